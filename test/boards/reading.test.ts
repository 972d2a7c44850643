import { get as httpGet } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { anonymous, json, signedIn, type Call, type SignedIn } from '../support/fixtures/actors.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';

let app: TestApp;
let anyone: Call;
let mina: SignedIn;
let joon: SignedIn;
let post: string;
beforeAll(async () => {
  app = await startApp();
  anyone = anonymous(app);
  mina = await signedIn(app, { roles: ['user', 'admin'], nickname: 'mina' });
  joon = await signedIn(app, { nickname: 'joon' });
  await mina.call('POST', '/boards', { slug: 'tea', title: 'Tea' });
  for (let n = 0; n < 5; n++) {
    const author = n % 2 === 0 ? mina : joon;
    const { headers } = await author.call('POST', '/boards/tea/posts', { title: `Post ${n}`, body: 'B' });
    post = headers.get('location')!;
  }
  for (const author of [mina, joon]) await author.call('POST', `${post}/comments`, { body: 'C' });
});
afterAll(() => app.stop());

/** Reads with headers of one's own; `fetch` would add that it wants no cache. */
function read(path: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number | undefined; headers: Record<string, unknown>; body: string }>(
    (resolve, reject) => {
      httpGet(app.url + path, { headers }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
      }).on('error', reject);
    },
  );
}

describe.each([
  ['the boards', () => '/boards'],
  ['a board', () => '/boards/tea'],
  ['the latest posts', () => '/boards/tea/posts'],
  ['the popular posts', () => '/boards/tea/posts?sort=popular'],
  ['a search', () => '/boards/tea/posts?q=post'],
  ['a post', () => post],
  ['comments', () => `${post}/comments`],
])('who has read %s', (_, path) => {
  it('may keep it, and asks each time whether it is still so', async () => {
    const { headers } = await read(path());
    expect(headers).toMatchObject({
      etag: expect.stringMatching(/^"[^"]+"$/),
      'cache-control': 'public, no-cache',
      vary: 'Origin, Authorization',
    });
  });

  it('gets 304 and nothing else while it is', async () => {
    const { headers } = await read(path());
    for (const etag of [String(headers['etag']), `"other", W/${String(headers['etag'])}`]) {
      const again = await read(path(), { 'if-none-match': etag });
      expect(again).toMatchObject({ status: 304, body: '', headers: { etag: headers['etag'] } });
    }
  });

  it('gets it anew when it names something else', async () => {
    expect((await read(path(), { 'if-none-match': '"something else"' })).status).toBe(200);
  });
});

it('a like makes a post, and the list that it is in, another answer', async () => {
  const places = [post, '/boards/tea/posts'];
  const before = await Promise.all(places.map(async (path) => (await read(path)).headers['etag']));
  await joon.call('PUT', `${post}/like`);
  for (const [i, path] of places.entries()) {
    expect((await read(path, { 'if-none-match': String(before[i]) })).status).toBe(200);
  }
});

it('what happens elsewhere makes the popular posts no other answer', async () => {
  const path = '/boards/tea/posts?sort=popular&limit=2';
  const { headers } = await read(path);
  await joon.call('PATCH', '/users/me', { bio: `written at ${Date.now()}` });
  expect((await read(path, { 'if-none-match': String(headers['etag']) })).status).toBe(304);
});

it('who is asking makes a post another answer', async () => {
  const anonymous = (await read(post)).headers['etag'];
  expect((await mina.call('GET', post)).headers.get('etag')).not.toBe(anonymous);
});

it('what depends on who is asking is not for shared caches', async () => {
  const response = await joon.call('GET', post);
  expect(response.headers.get('cache-control')).toBe('private, no-cache');
});

describe('a changed nickname', () => {
  it('shows at once wherever its owner has written', async () => {
    await read('/boards/tea/posts');
    await joon.call('PATCH', '/users/me', { nickname: 'joonho' });
    const { items } = await json<{ items: { author: { id: string; nickname: string } }[] }>(
      anyone('GET', '/boards/tea/posts'),
    );
    const names = items.filter(({ author }) => author.id === joon.id).map(({ author }) => author.nickname);
    expect(new Set(names)).toEqual(new Set(['joonho']));
  });
});

describe('the number of statements', () => {
  /** What PostgreSQL is asked while somebody reads. */
  async function statements(path: string): Promise<string[]> {
    const asked: string[] = [];
    const { logger } = app.database;
    const logQuery = logger.logQuery.bind(logger);
    logger.logQuery = (query, parameters, runner) => {
      asked.push(query);
      logQuery(query, parameters, runner);
    };
    try {
      expect((await read(path)).status).toBe(200);
    } finally {
      logger.logQuery = logQuery;
    }
    return asked;
  }

  it.each([
    ['the boards', () => '/boards', 1],
    ['a list of posts', () => '/boards/tea/posts?limit=5', 3],
    ['a popular list', () => '/boards/tea/posts?sort=popular&limit=5', 3],
    ['comments', () => `${post}/comments`, 2],
  ])('for %s does not depend on how much is shown, nor on how many wrote it', async (_, path, most) => {
    await mina.call('PATCH', '/users/me', { nickname: 'mina' });
    await joon.call('PATCH', '/users/me', { nickname: 'joon' });
    expect((await statements(path())).length).toBeLessThanOrEqual(most);
    // The authors are still known.
    expect((await statements(path())).length).toBeLessThanOrEqual(Math.max(1, most - 1));
  });
});
