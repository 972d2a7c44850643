import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RATE_LIMITS } from '../../src/rate-limits/rate-limits.js';
import {
  anonymous,
  failure,
  json,
  openSession,
  signedIn,
  type Call,
  type SignedIn,
} from '../support/fixtures/actors.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';
import { startDatabase } from '../support/fixtures/shared-database.js';
import { describeWith } from '../support/programs.js';
import { RedisServer } from '../support/servers/redis-server.js';

/** Low limits, so that a test can reach them. */
const FACTOR = 0.1;
const most = (points: number) => Math.max(1, Math.round(points * FACTOR));
const TOO_MANY = { status: 429, code: 'too_many_attempts' };

let app: TestApp;
let admin: SignedIn;
let post: string;
let clients = 0;
/** Returns an address that no other test uses. */
const newAddress = () => `198.51.${100 + Math.floor(++clients / 250)}.${clients % 250}`;
const from = (address: string) => ({ 'x-forwarded-for': address });

beforeAll(async () => {
  app = await startApp({ RATE_LIMIT_FACTOR: String(FACTOR), TRUST_PROXY: '1' });
  admin = await signedIn(app, { roles: ['user', 'admin'] });
  await admin.call('POST', '/boards', { slug: 'tea', title: 'Tea' });
  const { headers } = await admin.call('POST', '/boards/tea/posts', { title: 'T', body: 'B' });
  post = headers.get('location')!;
});
afterAll(() => app.stop());

/** Requests of each limited kind, with the limit per account and per network. */
const WRITES: [
  'post' | 'comment' | 'like' | 'edit' | 'profile',
  (call: Call, headers: Record<string, string>) => Promise<Response>,
][] = [
  ['post', (call, headers) => call('POST', '/boards/tea/posts', { title: 'T', body: 'B' }, headers)],
  ['comment', (call, headers) => call('POST', `${post}/comments`, { body: 'C' }, headers)],
  ['like', (call, headers) => call('PUT', `${post}/like`, undefined, headers)],
  ['like', (call, headers) => call('DELETE', `${post}/like`, undefined, headers)],
  ['edit', (call, headers) => call('PATCH', post, { title: 'U' }, headers)],
  ['edit', (call, headers) => call('DELETE', `/comments/${randomUUID()}`, undefined, headers)],
  ['profile', (call, headers) => call('PATCH', '/users/me', { bio: 'I read' }, headers)],
];

describe.each(WRITES)('the rate limit of %s', (name, request) => {
  const { own: perAccount, network } = RATE_LIMITS[name];
  const own = most(perAccount.points);

  it('refuses an account beyond its limit on any network', async () => {
    const { call } = await signedIn(app);
    for (let i = 0; i < own; i++) expect((await request(call, from(newAddress()))).status).not.toBe(429);
    const refused = await request(call, from(newAddress()));
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await failure(refused)).toEqual(TOO_MANY);
    const other = await signedIn(app);
    expect((await request(other.call, from(newAddress()))).status).not.toBe(429);
  });

  it('refuses a network beyond its limit with any account', async () => {
    const address = newAddress();
    for (let i = 0; i < most(network.points);) {
      const { call } = await signedIn(app);
      for (let j = 0; j < own && i < most(network.points); j++, i++) {
        expect((await request(call, from(address))).status).not.toBe(429);
      }
    }
    const { call } = await signedIn(app);
    expect(await failure(request(call, from(address)))).toEqual(TOO_MANY);
    // Requests refused by the limit of the network do not count for the account.
    for (let i = 0; i < own; i++) expect((await request(call, from(newAddress()))).status).not.toBe(429);
  }, 120_000);
});

it('the rate limit of boards applies to admins', async () => {
  const { call } = await signedIn(app, { roles: ['admin'] });
  const statuses = [];
  for (let i = 0; i <= most(RATE_LIMITS.board.own.points); i++) {
    statuses.push((await call('POST', '/boards', { slug: 'tea', title: 'Tea' }, from(newAddress()))).status);
  }
  expect([...new Set(statuses), statuses.indexOf(429)]).toEqual([409, 429, statuses.length - 1]);
});

describe('a retry with the same Idempotency-Key', () => {
  const write = (call: Call, key: string) =>
    call(
      'POST',
      '/boards/tea/posts',
      { title: 'T', body: 'B' },
      { 'idempotency-key': key, ...from(newAddress()) },
    );

  it('does not count for the rate limit, and is answered beyond it', async () => {
    const { call } = await signedIn(app);
    const key = randomUUID();
    const first = await json(write(call, key));
    for (let i = 0; i < 10; i++) expect(await json(write(call, key))).toEqual(first);
    for (let i = 1; i < most(RATE_LIMITS.post.own.points); i++) {
      expect((await write(call, randomUUID())).status).toBe(201);
    }
    expect((await write(call, randomUUID())).status).toBe(429);
    expect(await json(write(call, key))).toEqual(first);
  });

  it('does not count for the rate limit when it runs in parallel', async () => {
    const { call } = await signedIn(app);
    const key = randomUUID();
    // As many requests as the limit has left.
    const repeats = Array.from({ length: most(RATE_LIMITS.post.own.points) }, () => write(call, key));
    expect(new Set((await Promise.all(repeats)).map(({ status }) => status))).toEqual(new Set([201]));
    for (let i = 1; i < most(RATE_LIMITS.post.own.points); i++) {
      expect((await write(call, randomUUID())).status).toBe(201);
    }
  });
});

it.each([undefined, 'key'])(
  'a post answered 503 does not count for the rate limit (Idempotency-Key: %s)',
  async (key) => {
    const { call } = await signedIn(app);
    const headers: Record<string, string> = key === undefined ? {} : { 'idempotency-key': key };
    const write = () =>
      call('POST', '/boards/tea/posts', { title: 'T', body: 'B' }, { ...headers, ...from(newAddress()) });
    await app.database.query(`
    CREATE FUNCTION board.fill() RETURNS trigger LANGUAGE plpgsql
      AS $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = 'disk_full'; END $$;
    CREATE TRIGGER full_disk BEFORE INSERT ON board.posts EXECUTE FUNCTION board.fill()`);
    try {
      for (let i = 0; i <= most(RATE_LIMITS.post.own.points); i++) expect((await write()).status).toBe(503);
    } finally {
      await app.database.query('DROP TRIGGER full_disk ON board.posts; DROP FUNCTION board.fill()');
    }
    expect((await write()).status).toBe(201);
  },
);

it('a response stored for idempotent retries does not contain the body', async () => {
  const { call, id } = await signedIn(app);
  const body = '가'.repeat(20_000);
  const written = { title: 'T', body };
  const headers = { 'idempotency-key': 'long', ...from(newAddress()) };
  expect(await json(call('POST', '/boards/tea/posts', written, headers))).toMatchObject({ body });
  const [{ kept }] = await app.database.query<[{ kept: string }]>(
    'SELECT response::text AS kept FROM board.idempotency_keys WHERE account_id = $1',
    [id],
  );
  expect(kept.length).toBeLessThan(2_000);
  expect(await json(call('POST', '/boards/tea/posts', written, headers))).toMatchObject({ body });
});

describe('the rate limit of searches', () => {
  const search = (address: string) =>
    anonymous(app)('GET', '/boards/tea/posts?q=tea', undefined, from(address));

  it('refuses an anonymous client beyond its limit, but not its other reads', async () => {
    const address = newAddress();
    for (let i = 0; i < most(RATE_LIMITS.search.own.points); i++) {
      expect((await search(address)).status).toBe(200);
    }
    expect(await failure(search(address))).toEqual(TOO_MANY);
    expect((await search(newAddress())).status).toBe(200);
    const list = anonymous(app)('GET', '/boards/tea/posts?q=%20', undefined, from(address));
    expect((await list).status).toBe(200);
  });

  it('does not count anonymous searches from the network of an account', async () => {
    const address = newAddress();
    while ((await search(address)).status !== 429);
    const { call } = await signedIn(app);
    const query = () => call('GET', '/boards/tea/posts?q=tea', undefined, from(address));
    const statuses = [];
    for (let i = 0; i <= most(RATE_LIMITS.search.own.points); i++) statuses.push((await query()).status);
    expect(statuses.indexOf(429)).toBe(statuses.length - 1);
  });

  it('counts a /48 of IPv6 as one client', async () => {
    const statuses = [];
    for (let i = 0; i <= most(RATE_LIMITS.search.network.points); i++) {
      statuses.push((await search(`2001:db8:77:${i.toString(16)}::1`)).status);
    }
    expect(statuses.indexOf(429)).toBe(statuses.length - 1);
  });

  it('refuses searches beyond the queue with 503 and Retry-After (bulkhead)', async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, () => search(newAddress())));
    const statuses = answers.map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200, 503]));
    const refused = answers.find(({ status }) => status === 503);
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused?.json()).toMatchObject({ code: 'temporarily_unavailable' });
  });

  it('accepts the next search when the queue is empty again (bulkhead)', async () => {
    await Promise.all(Array.from({ length: 40 }, () => search(newAddress())));
    expect((await search(newAddress())).status).toBe(200);
  });
});

it.each([
  ['a search', '?q=tea'],
  ['a page of popular posts', '?sort=popular&limit=1&cursor='],
])('%s from an idle network is answered while another network fills the queue', async (_, query) => {
  await admin.call('POST', '/boards/tea/posts', { title: 'T', body: 'B' });
  const first = anonymous(app)('GET', '/boards/tea/posts?sort=popular&limit=1');
  const { nextCursor } = await json<{ nextCursor: string }>(first);
  const get = (address: string) =>
    anonymous(app)(
      'GET',
      `/boards/tea/posts${query.replace(/=$/, `=${nextCursor}`)}`,
      undefined,
      from(address),
    );
  const flood = Array.from({ length: 100 }, () => get(newAddress()));
  const other = get('203.0.113.7');
  expect((await other).status).toBe(200);
  expect((await Promise.all(flood)).map(({ status }) => status)).toContain(503);
});

describe('the rate limit of refreshes', () => {
  const refresh = (cookie: string, address: string, { url } = app) =>
    fetch(`${url}/auth/refresh`, {
      method: 'POST',
      headers: { cookie: `refresh=${cookie}`, ...from(address) },
    });
  const OWN = most(RATE_LIMITS.refresh.own.points);

  it('ends no session when it refuses a refresh', async () => {
    const { refreshToken } = await openSession(app);
    const address = newAddress();
    const statuses = [];
    for (let i = 0; i <= OWN; i++) statuses.push((await refresh(refreshToken, address)).status);
    expect(statuses.at(-1)).toBe(429);
    const refused = await refresh(refreshToken, address);
    expect([refused.status, refused.headers.get('set-cookie')]).toEqual([429, null]);
    expect((await refresh(refreshToken, newAddress())).status).toBe(200);
  });

  it('does not count refreshes of other sessions behind the same address', async () => {
    const strict = await startApp({ RATE_LIMIT_FACTOR: '0.001', TRUST_PROXY: '1' });
    try {
      const address = newAddress();
      const statuses = [];
      for (let i = 0; i < 10; i++) {
        const { refreshToken } = await openSession(strict);
        statuses.push((await refresh(refreshToken, address, strict)).status);
      }
      expect(new Set(statuses)).toEqual(new Set([200]));
    } finally {
      await strict.stop();
    }
  });

  it('does not count the refreshes of a copied cookie elsewhere for the owner', async () => {
    const { refreshToken } = await openSession(app);
    const thief = newAddress();
    for (let i = 0; i <= OWN; i++) await refresh(refreshToken, thief);
    expect((await refresh(refreshToken, thief)).status).toBe(429);
    expect((await refresh(refreshToken, newAddress())).status).toBe(200);
  });
});

describeWith(['postgres', 'redis'], 'rate limits on writes, of two processes', () => {
  it('share their counters in Redis, and continue per process while Redis is down', async () => {
    const [postgres, redis] = await Promise.all([startDatabase(), RedisServer.start()]);
    const env = {
      DATABASE_URL: postgres.url,
      REDIS_URL: redis.url,
      AUTH_SECRET: randomBytes(32).toString('base64'),
      RATE_LIMIT_FACTOR: String(FACTOR),
      PUBLIC_URL: 'http://localhost:3000',
    };
    const apps = await Promise.all([startApp(env), startApp(env)]);
    try {
      const someone = await signedIn(apps[0]);
      const like = (i: number) =>
        someone.through(apps[i % 2 === 0 ? 0 : 1])('PUT', `/posts/${randomUUID()}/like`);
      const points = most(RATE_LIMITS.like.own.points);
      const statuses = [];
      for (let i = 0; i <= points; i++) statuses.push((await like(i)).status);
      expect(statuses).toEqual([...Array<number>(points).fill(404), 429]);
      await redis.kill();
      expect((await like(0)).status).toBe(404);
    } finally {
      await Promise.all(apps.map((app) => app.stop()));
      await Promise.all([postgres.stop(), redis.stop()]);
    }
  }, 60_000);
});
