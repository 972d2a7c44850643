import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { clientOf } from '../src/auth/limits/client-address.js';
import { pauseAfter } from '../src/auth/limits/limits.js';
import { PasswordHashes } from '../src/auth/local/password-hashes.js';
import { startApp, type TestApp } from './support/app.js';
import { Mailbox } from './support/mailbox.js';
import { post, verifiedPerson } from './support/people.js';
import { PostgresServer } from './support/postgres-server.js';
import { describeWith } from './support/programs.js';
import { RedisServer } from './support/redis-server.js';

let mailbox: Mailbox;
beforeAll(async () => {
  mailbox = await Mailbox.open();
});
afterAll(() => mailbox.close());

const FREE = 10;
/** As a proxy that is trusted tells it. */
const from = (address: string) => ({ 'x-forwarded-for': address });
const tries = (on: TestApp, email: string, password: string, address = '203.0.113.1') =>
  post(on, '/auth/login', { email, password }, from(address));
async function wrong(on: TestApp, email: string, times: number, address?: string): Promise<number[]> {
  const statuses: number[] = [];
  for (let i = 0; i < times; i++) statuses.push((await tries(on, email, 'a wrong guess', address)).status);
  return statuses;
}

describe('wrong passwords', () => {
  let app: TestApp;
  beforeEach(async () => {
    app = await startApp({ MAIL_URL: mailbox.url, RATE_LIMIT_FACTOR: '1', TRUST_PROXY: '1' });
  });
  afterEach(() => app.stop());

  it('are answered so often, and then have to wait, alike for known and unknown addresses', async () => {
    const mina = await verifiedPerson(app, mailbox, 'limited');
    for (const email of [mina.email, 'nobody@example.com']) {
      const statuses = await wrong(app, email, FREE + 2);
      expect(statuses).toEqual([...Array<number>(FREE + 1).fill(401), 429]);
      const answer = await tries(app, email, 'a wrong guess');
      expect(answer.status).toBe(429);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await answer.json()).toMatchObject({ code: 'too_many_attempts' });
    }
  });

  it('of one client do not keep the owner out who comes from elsewhere, however many there are', async () => {
    const mina = await verifiedPerson(app, mailbox, 'attacked');
    await wrong(app, mina.email, FREE + 5, '198.51.100.7');
    expect((await tries(app, mina.email, mina.password, '203.0.113.9')).status).toBe(200);
  });

  it('of many clients never make anyone wait longer than ten seconds', async () => {
    const mina = await verifiedPerson(app, mailbox, 'popular');
    let last: Response | undefined;
    for (let i = 0; i < 120; i++) last = await tries(app, mina.email, 'a wrong guess', `198.51.100.${i}`);
    expect(last?.status).toBe(429);
    expect(Number(last?.headers.get('retry-after'))).toBeLessThanOrEqual(10);
  });

  it('are forgotten with the right one', async () => {
    const mina = await verifiedPerson(app, mailbox, 'absent-minded');
    for (let i = 0; i < 3; i++) {
      await wrong(app, mina.email, FREE - 1);
      expect((await tries(app, mina.email, mina.password)).status).toBe(200);
    }
  });

  it('cost no hash once they have to wait', async () => {
    await wrong(app, 'nobody@example.com', FREE + 1);
    const hashes = app.daemun.app.get(PasswordHashes, { strict: false });
    const before = hashes.load.finished;
    await wrong(app, 'nobody@example.com', 3);
    expect(hashes.load.finished).toBe(before);
  });

  it('that all come at once get no more tries than one by one', async () => {
    const answers = await Promise.all(
      Array.from({ length: 60 }, () => tries(app, 'nobody@example.com', 'a wrong guess')),
    );
    expect(answers.filter(({ status }) => status !== 429).length).toBeLessThanOrEqual(FREE + 1);
  });

  it('of who is logged in are limited when the password is changed', async () => {
    const mina = await verifiedPerson(app, mailbox, 'changing');
    const { accessToken } = (await (await tries(app, mina.email, mina.password)).json()) as {
      accessToken: string;
    };
    const change = (currentPassword: string) =>
      post(
        app,
        '/auth/change-password',
        { currentPassword, newPassword: 'a better password' },
        { authorization: `Bearer ${accessToken}` },
      );
    for (let i = 0; i <= FREE; i++) expect((await change('a wrong guess')).status).toBe(401);
    expect((await change(mina.password)).status).toBe(429);
  });
});

describe('a client', () => {
  it('is not who it says it is, unless a proxy that we trust says so', async () => {
    const app = await startApp({ RATE_LIMIT_FACTOR: '1' });
    const statuses = [];
    for (let i = 0; i < FREE + 2; i++) {
      statuses.push((await tries(app, 'nobody@example.com', 'a wrong guess', `198.51.100.${i}`)).status);
    }
    expect(statuses.at(-1)).toBe(429);
    await app.stop();
  });

  it('is an address of IPv4, also where it comes as IPv6', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(clientOf(address)).toBe(address);
        expect(clientOf(`::ffff:${address}`)).toBe(address);
      }),
    );
  });

  it('is a /64 of IPv6', () => {
    const group = fc.integer({ min: 0x1000, max: 0xffff }).map((value) => value.toString(16));
    const half = fc.array(group, { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(half, half, half, half, (net, one, other, otherNet) => {
        const address = (a: string[], b: string[]) => [...a, ...b].join(':');
        expect(clientOf(address(net, one))).toBe(clientOf(address(net, other)));
        fc.pre(net.join() !== otherNet.join());
        expect(clientOf(address(net, one))).not.toBe(clientOf(address(otherNet, one)));
      }),
    );
  });
});

describe('the pause after an attempt', () => {
  it('doubles from one second to the longest, and begins after the free ones', () => {
    const patience = { free: 3, longest: 900 };
    const pauses = Array.from({ length: 16 }, (_, i) => pauseAfter(i + 1, patience));
    expect(pauses).toEqual([0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
    fc.assert(
      fc.property(fc.nat(), (attempts) => {
        expect(pauseAfter(attempts, patience)).toBeLessThanOrEqual(900);
      }),
    );
  });
});

describe('routes and mails', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp({ MAIL_URL: mailbox.url, RATE_LIMIT_FACTOR: '1', TRUST_PROXY: '1' });
  });
  afterAll(() => app.stop());

  it.each([
    ['/auth/register', { email: 'x', password: 'y', nickname: 'z' }, 200],
    ['/auth/verify-email/resend', { email: 'x' }, 100],
    ['/auth/forgot-password', { email: 'x' }, 100],
    ['/auth/verify-email', { token: 'x' }, 100],
    ['/auth/reset-password', { token: 'x', password: 'y' }, 100],
  ])('%s answers one client so often', async (path, body, times) => {
    const address = `203.0.113.${times + path.length}`;
    const statuses = new Set<number>();
    for (let i = 0; i < times; i++) statuses.add((await post(app, path, body, from(address))).status);
    expect(statuses.has(429)).toBe(false);
    const answer = await post(app, path, body, from(address));
    expect([answer.status, Number(answer.headers.get('retry-after')) > 0]).toEqual([429, true]);
    expect((await post(app, path, body, from('203.0.113.250'))).status).not.toBe(429);
  });

  it.each([
    ['/auth/forgot-password', 'forgot'],
    ['/auth/verify-email/resend', 'resend'],
  ])('%s sends one address five mails an hour, and answers the sixth like the others', async (path, name) => {
    const email = `${name}-flooded@example.com`;
    await post(app, '/auth/register', { email, password: 'a fine password', nickname: 'Mina' });
    await mailbox.waitFor(email);
    for (let i = 0; i < 8; i++) {
      const answer = await post(app, path, { email });
      expect([answer.status, await answer.text()]).toEqual([202, '']);
    }
    await post(app, path, { email: 'nobody@example.com' });
    const most = path.includes('forgot') ? 6 : 5;
    await mailbox.waitFor(email, most);
    expect(mailbox.mails.filter(({ to }) => to === email)).toHaveLength(most);
  });
});

describeWith(['postgres', 'redis'], 'limits of two processes', () => {
  it('are counted together in Redis, and go on in each where it is away', async () => {
    const [postgres, redis] = await Promise.all([PostgresServer.start(), RedisServer.start()]);
    const env = {
      DATABASE_URL: postgres.url,
      AUTH_SECRET: randomBytes(32).toString('base64'),
      REDIS_URL: redis.url,
      RATE_LIMIT_FACTOR: '1',
      TRUST_PROXY: '1',
    };
    const apps = [await startApp(env), await startApp(env)] as const;
    const statuses: number[] = [];
    for (let i = 0; i < FREE + 2; i++) {
      statuses.push((await tries(apps[i % 2 === 0 ? 0 : 1], 'nobody@example.com', 'a wrong guess')).status);
    }
    expect(statuses).toEqual([...Array<number>(FREE + 1).fill(401), 429]);
    expect(String(await redis.command('KEYS', '*'))).not.toContain('example.com');
    await redis.kill();
    expect(await wrong(apps[0], 'other@example.com', FREE + 2)).toEqual([
      ...Array<number>(FREE + 1).fill(401),
      429,
    ]);
    await Promise.all(apps.map((app) => app.stop()));
    await Promise.all([postgres.stop(), redis.stop()]);
  }, 60_000);
});
