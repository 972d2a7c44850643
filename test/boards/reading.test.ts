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

/** Sends a GET with exactly these headers, because `fetch` adds Cache-Control: no-cache to conditional requests. */
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
])('a cached copy of %s', (_, path) => {
  it('may be stored, and is revalidated each time (ETag)', async () => {
    const { headers } = await read(path());
    expect(headers).toMatchObject({
      etag: expect.stringMatching(/^"[^"]+"$/),
      'cache-control': 'public, no-cache',
      vary: 'Origin, Authorization',
    });
  });

  it('is answered 304 without a body while its ETag matches', async () => {
    const { headers } = await read(path());
    for (const etag of [String(headers['etag']), `"other", W/${String(headers['etag'])}`]) {
      const again = await read(path(), { 'if-none-match': etag });
      expect(again).toMatchObject({ status: 304, body: '', headers: { etag: headers['etag'] } });
    }
  });

  it('is replaced when its ETag does not match', async () => {
    expect((await read(path(), { 'if-none-match': '"something else"' })).status).toBe(200);
  });
});

it('a like changes the ETag of the post and of its list', async () => {
  const places = [post, '/boards/tea/posts'];
  const before = await Promise.all(places.map(async (path) => (await read(path)).headers['etag']));
  await joon.call('PUT', `${post}/like`);
  for (const [i, path] of places.entries()) {
    expect((await read(path, { 'if-none-match': String(before[i]) })).status).toBe(200);
  }
});

it('a like on another board does not change the ETag of the popular posts', async () => {
  const path = '/boards/tea/posts?sort=popular&limit=2';
  const { headers } = await read(path);
  await joon.call('PATCH', '/users/me', { bio: `written at ${Date.now()}` });
  expect((await read(path, { 'if-none-match': String(headers['etag']) })).status).toBe(304);
});

it('a different user changes the ETag of a post', async () => {
  const anonymous = (await read(post)).headers['etag'];
  expect((await mina.call('GET', post)).headers.get('etag')).not.toBe(anonymous);
});

it('a response that depends on the user is not for shared caches', async () => {
  const response = await joon.call('GET', post);
  expect(response.headers.get('cache-control')).toBe('private, no-cache');
});

describe('a changed nickname', () => {
  it('appears at once in all posts and comments of the user', async () => {
    await read('/boards/tea/posts');
    await joon.call('PATCH', '/users/me', { nickname: 'joonho' });
    const { items } = await json<{ items: { author: { id: string; nickname: string } }[] }>(
      anyone('GET', '/boards/tea/posts'),
    );
    const names = items.filter(({ author }) => author.id === joon.id).map(({ author }) => author.nickname);
    expect(new Set(names)).toEqual(new Set(['joonho']));
  });
});

describe('the number of SQL statements', () => {
  /** Returns the SQL statements of a request. */
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
  ])('for %s is constant in the number of items and authors', async (_, path, most) => {
    await mina.call('PATCH', '/users/me', { nickname: 'mina' });
    await joon.call('PATCH', '/users/me', { nickname: 'joon' });
    expect((await statements(path())).length).toBeLessThanOrEqual(most);
    // The author cache is still filled.
    expect((await statements(path())).length).toBeLessThanOrEqual(Math.max(1, most - 1));
  });
});
