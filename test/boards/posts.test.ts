import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import { v7 as uuidv7 } from 'uuid';
import { Board } from '../../src/boards/board.entity.js';
import { Post } from '../../src/boards/post.entity.js';
import { Profiles } from '../../src/users/profiles.js';
import {
  anonymous,
  failure,
  json,
  readAll,
  signedIn,
  type Call,
  type SignedIn,
} from '../support/fixtures/actors.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';

interface PostPage {
  readonly items: readonly { readonly id: string }[];
  readonly nextCursor: string | null;
}

let app: TestApp;
let anyone: Call;
let admin: SignedIn;
let mina: SignedIn;
let joon: SignedIn;
beforeAll(async () => {
  app = await startApp();
  anyone = anonymous(app);
  admin = await signedIn(app, { roles: ['user', 'admin'], nickname: 'admin' });
  mina = await signedIn(app, { nickname: 'mina' });
  joon = await signedIn(app, { nickname: 'joon' });
});
afterAll(() => app.stop());

let made = 0;
/** A separate board for each test. */
async function makeBoard(): Promise<string> {
  const slug = `board-${++made}`;
  await admin.call('POST', '/boards', { slug, title: 'A board' });
  return slug;
}

/** Creates a post of mina. Returns its path. */
async function writePost(body = 'B', slug?: string): Promise<string> {
  const path = `/boards/${slug ?? (await makeBoard())}/posts`;
  const response = await mina.call('POST', path, { title: 'T', body });
  expect(response.status).toBe(201);
  return response.headers.get('location')!;
}

describe('writing a post', () => {
  it('returns the post and its Location', async () => {
    const slug = await makeBoard();
    const response = await mina.call('POST', `/boards/${slug}/posts`, { title: ' 안녕 ', body: '# Hi\n' });
    expect(response.status).toBe(201);
    const post = (await response.json()) as Record<string, unknown>;
    expect(response.headers.get('location')).toBe(`/posts/${String(post['id'])}`);
    expect(post).toEqual({
      id: expect.stringMatching(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/),
      board: slug,
      title: '안녕',
      body: '# Hi\n',
      excerpt: 'Hi',
      author: { id: mina.id, nickname: 'mina', avatarUrl: null },
      commentCount: 0,
      likeCount: 0,
      likedByMe: false,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updatedAt: post['createdAt'],
    });
  });

  it('requires a login to post', async () => {
    const response = anyone('POST', `/boards/${await makeBoard()}/posts`, { title: 'T', body: 'B' });
    expect(await failure(response)).toEqual({ status: 401, code: 'access_token_missing' });
  });

  it('answers 404 for an unknown board', async () => {
    const response = mina.call('POST', '/boards/nowhere/posts', { title: 'T', body: 'B' });
    expect(await failure(response)).toEqual({ status: 404, code: 'board_not_found' });
  });

  it('stores any body unchanged except for Normalization Form C', async () => {
    const slug = await makeBoard();
    const body = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 500 })
      .filter(
        (text) => !text.includes('\0') && /(?!\p{Default_Ignorable_Code_Point})[\p{L}\p{N}\p{P}]/u.test(text),
      );
    await fc.assert(
      fc.asyncProperty(body, async (body) => {
        const post = await json(anyone('GET', await writePost(body, slug)));
        expect(post['body']).toBe(body.normalize('NFC'));
      }),
      {
        numRuns: 30,
        examples: [
          ['  leading\r\n\r\n\ttrailing \n '],
          ['👩‍👩‍👧‍👦'],
          ["it's"],
          ["'); DELETE FROM board.posts; --"],
          ['<b>bold</b> &amp; "quoted" \\ $1 %'],
        ],
      },
    );
  });

  it.each([
    ['120 characters of title', { title: '🚪'.repeat(120) }],
    ['20000 characters of body', { body: '문'.repeat(20_000) }],
  ])('accepts %s', async (_, long) => {
    const path = `/boards/${await makeBoard()}/posts`;
    expect((await mina.call('POST', path, { title: 'T', body: 'B', ...long })).status).toBe(201);
  });

  it.each([
    ['an empty title', { title: ' ' }, '/title'],
    ['a title of 121 characters', { title: 'a'.repeat(121) }, '/title'],
    ['a title on two lines', { title: 'a\nb' }, '/title'],
    ['an empty body', { body: '' }, '/body'],
    ['a body of 20001 characters', { body: 'a'.repeat(20_001) }, '/body'],
    ['NUL in the body', { body: 'a\0b' }, '/body'],
    ['a lone surrogate in the body', { body: 'a\udc00b' }, '/body'],
    ['a body that is not a string', { body: 7 }, '/body'],
    ['an unknown member', { authorId: randomUUID() }, ''],
  ])('refuses %s', async (_, wrong, pointer) => {
    const path = `/boards/${await makeBoard()}/posts`;
    const response = await mina.call('POST', path, { title: 'T', body: 'B', ...wrong });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: 'validation_failed',
      errors: expect.arrayContaining([expect.objectContaining({ pointer })]),
    });
  });
});

describe('reading a post', () => {
  it('is possible for anonymous clients, without likedByMe', async () => {
    const response = await anyone('GET', await writePost());
    expect(response.status).toBe(200);
    expect(await response.json()).not.toHaveProperty('likedByMe');
  });

  it('tells a logged-in user about their own like', async () => {
    expect(await json(joon.call('GET', await writePost()))).toMatchObject({ likedByMe: false });
  });

  it('refuses an invalid access token', async () => {
    const response = anyone('GET', await writePost(), undefined, { authorization: 'Bearer nonsense' });
    expect(await failure(response)).toEqual({ status: 401, code: 'access_token_invalid' });
  });

  it('shows no author after the deletion of the author', async () => {
    const leaving = await signedIn(app);
    const slug = await makeBoard();
    const written = await leaving.call('POST', `/boards/${slug}/posts`, { title: 'T', body: 'B' });
    await app.daemun.app.get(Profiles, { strict: false }).delete(leaving.id);
    expect(await json(anyone('GET', written.headers.get('location')!))).toMatchObject({ author: null });
    expect(await json(anyone('GET', `/boards/${slug}/posts`))).toMatchObject({ items: [{ author: null }] });
  });

  it.each([
    ['an unknown id', randomUUID()],
    ['a malformed id', 'hello'],
    ['NUL', '%00'],
  ])('answers 404 for %s, for every method', async (_, id) => {
    for (const call of [
      anyone('GET', `/posts/${id}`),
      admin.call('PATCH', `/posts/${id}`, { title: 'T' }),
      mina.call('DELETE', `/posts/${id}`),
    ]) {
      expect(await failure(call)).toEqual({ status: 404, code: 'post_not_found' });
    }
  });
});

describe('changing a post', () => {
  it('changes the given members and keeps the others', async () => {
    const path = await writePost('before');
    const before = await json(anyone('GET', path));
    const response = await mina.call('PATCH', path, { body: '*after*' });
    expect(response.status).toBe(200);
    const after = (await response.json()) as Record<string, unknown>;
    expect(after).toMatchObject({ title: 'T', body: '*after*', excerpt: 'after' });
    expect(after['createdAt']).toBe(before['createdAt']);
    expect(Date.parse(String(after['updatedAt']))).toBeGreaterThan(Date.parse(String(before['updatedAt'])));
  });

  it('keeps body and excerpt when only the title changes', async () => {
    const path = await writePost('same');
    expect(await json(mina.call('PATCH', path, { title: 'New' }))).toMatchObject({
      title: 'New',
      body: 'same',
      excerpt: 'same',
    });
  });

  it('is refused to other users', async () => {
    const path = await writePost();
    expect(await failure(joon.call('PATCH', path, { title: 'Mine' }))).toEqual({
      status: 403,
      code: 'forbidden',
    });
    expect(await json(anyone('GET', path))).toMatchObject({ title: 'T' });
  });

  it('is allowed to admins and keeps the author', async () => {
    const path = await writePost();
    expect(await json(admin.call('PATCH', path, { title: 'Tidied' }))).toMatchObject({
      title: 'Tidied',
      author: { id: mina.id },
    });
  });

  it('refuses an empty change', async () => {
    const response = mina.call('PATCH', await writePost(), {});
    expect(await failure(response)).toEqual({ status: 400, code: 'validation_failed' });
  });
});

describe('deleting a post', () => {
  it('deletes the post for every client', async () => {
    const slug = await makeBoard();
    const path = await writePost('B', slug);
    expect((await mina.call('DELETE', path)).status).toBe(204);
    expect((await anyone('GET', path)).status).toBe(404);
    expect(await json(anyone('GET', `/boards/${slug}/posts`))).toMatchObject({ items: [] });
    expect(await failure(mina.call('DELETE', path))).toEqual({ status: 404, code: 'post_not_found' });
  });

  it('is refused to other users', async () => {
    const path = await writePost();
    expect(await failure(joon.call('DELETE', path))).toEqual({ status: 403, code: 'forbidden' });
    expect((await anyone('GET', path)).status).toBe(200);
  });

  it('is allowed to admins', async () => {
    expect((await admin.call('DELETE', await writePost())).status).toBe(204);
  });
});

describe('If-Match', () => {
  const etagOf = async (path: string) => (await mina.call('GET', path)).headers.get('etag')!;

  it('accepts a change with the current ETag, and returns the next ETag', async () => {
    const path = await writePost();
    const etag = await etagOf(path);
    expect(etag).toMatch(/^"[^"]+"$/);
    const response = await mina.call('PATCH', path, { title: 'New' }, { 'if-match': etag });
    expect(response.status).toBe(200);
    expect(response.headers.get('etag')).not.toBe(etag);
    expect(response.headers.get('etag')).toBe(await etagOf(path));
  });

  it('prevents the deletion of a post that has changed (stale ETag)', async () => {
    const path = await writePost();
    const headers = { 'if-match': await etagOf(path) };
    await mina.call('PATCH', path, { title: 'New' });
    expect(await failure(mina.call('DELETE', path, undefined, headers))).toEqual({
      status: 412,
      code: 'version_conflict',
    });
    expect((await anyone('GET', path)).status).toBe(200);
    const current = { 'if-match': await etagOf(path) };
    expect((await mina.call('DELETE', path, undefined, current)).status).toBe(204);
  });

  it('is unaffected by a like', async () => {
    const path = await writePost();
    const headers = { 'if-match': await etagOf(path) };
    await joon.call('PUT', `${path}/like`);
    expect(await etagOf(path)).not.toBe(headers['if-match']);
    expect((await mina.call('PATCH', path, { title: 'New' }, headers)).status).toBe(200);
  });

  it.each([
    ['anything', () => '*', 200],
    ['the tag', (etag: string) => etag, 200],
    ['the tag as a compressing proxy changes it', (etag: string) => `W/${etag}`, 200],
    ['the tag among others', (etag: string) => `"7.AAAAAAAAAAAAAAAA", ${etag}`, 200],
    ['the tag of another version', (etag: string) => etag.replace('1.', '7.'), 412],
    ['a tag without quotes', (etag: string) => etag.replaceAll('"', ''), 412],
    ['a number', () => '"1"', 412],
    ['nonsense', () => 'nonsense', 412],
  ])('with %s gets the status of RFC 9110', async (_, ifMatch, status) => {
    const path = await writePost();
    const headers = { 'if-match': ifMatch(await etagOf(path)) };
    expect((await mina.call('PATCH', path, { title: 'N' }, headers)).status).toBe(status);
  });

  it('reveals to other users only that they are not the author', async () => {
    const response = joon.call('PATCH', await writePost(), { title: 'N' }, { 'if-match': '"7"' });
    expect(await failure(response)).toEqual({ status: 403, code: 'forbidden' });
  });
});

describe('the list of posts', () => {
  it('has titles and excerpts, but no bodies', async () => {
    const slug = await makeBoard();
    const path = await writePost('# Hello\n\n**world**', slug);
    const { items } = await json<{ items: object[] }>(anyone('GET', `/boards/${slug}/posts`));
    const { body, ...rest } = await json(anyone('GET', path));
    expect(body).toBe('# Hello\n\n**world**');
    expect(items).toEqual([rest]);
    expect(rest).toMatchObject({ excerpt: 'Hello world' });
  });

  it('has each post exactly once, newest first, with any limit and equal timestamps', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 30 }),
        fc.integer({ min: 1, max: 12 }),
        async (milliseconds, limit) => {
          const slug = await makeBoard();
          const expected = await fillBoard(slug, milliseconds);
          const seen = await readAll<{ id: string }>(anyone, `/boards/${slug}/posts?limit=${limit}`);
          expect(seen.map(({ id }) => id)).toEqual(expected);
        },
      ),
      { numRuns: 25, examples: [[Array.from({ length: 12 }, () => 1), 4]] },
    );
  });

  it('keeps its cursor valid after a deletion or a new post', async () => {
    const slug = await makeBoard();
    const [first, second, third] = await fillBoard(slug, [3, 2, 1]);
    const { items, nextCursor } = await json<PostPage>(anyone('GET', `/boards/${slug}/posts?limit=2`));
    expect(items.map(({ id }) => id)).toEqual([first, second]);
    await admin.call('DELETE', `/posts/${second}`);
    await writePost('B', slug);
    const rest = await json<PostPage>(anyone('GET', `/boards/${slug}/posts?cursor=${nextCursor}`));
    expect(rest.items.map(({ id }) => id)).toEqual([third]);
  });

  it('has 20 posts by default', async () => {
    const slug = await makeBoard();
    await fillBoard(
      slug,
      Array.from({ length: 21 }, () => 1),
    );
    const page = await json<PostPage>(anyone('GET', `/boards/${slug}/posts`));
    expect(page.items).toHaveLength(20);
    expect(page.nextCursor).not.toBeNull();
  });

  it('has no posts of other boards', async () => {
    const [slug, other] = [await makeBoard(), await makeBoard()];
    await writePost('B', other);
    expect(await json(anyone('GET', `/boards/${slug}/posts`))).toEqual({ items: [], nextCursor: null });
  });

  it('answers 404 for the posts of an unknown board', async () => {
    expect(await failure(anyone('GET', '/boards/nowhere/posts'))).toEqual({
      status: 404,
      code: 'board_not_found',
    });
  });

  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  it.each([
    ['limit=0', '/limit'],
    ['limit=101', '/limit'],
    ['limit=', '/limit'],
    ['limit=1.5', '/limit'],
    ['limit=1&limit=2', '/limit'],
    ['cursor=', '/cursor'],
    ['cursor=nonsense', '/cursor'],
    [`cursor=${encoded(null)}`, '/cursor'],
    [`cursor=${encoded({ at: 1, id: 'x' })}`, '/cursor'],
    [`cursor=${encoded({ at: 1e300, id: randomUUID() })}`, '/cursor'],
    [`cursor=${encoded({ at: -1, id: randomUUID() })}`, '/cursor'],
    [`cursor=${encoded({ at: 1, id: randomUUID(), more: 1 })}`, '/cursor'],
    ['page=2', ''],
  ])('refuses ?%s', async (query, pointer) => {
    const response = await anyone('GET', `/boards/${await makeBoard()}/posts?${query}`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'validation_failed', errors: [{ pointer }] });
  });

  /** Inserts posts with these timestamps in ms, in any order. Returns their ids in the order of the list. */
  async function fillBoard(slug: string, milliseconds: readonly number[]): Promise<string[]> {
    const { id: boardId } = await app.database.getRepository(Board).findOneByOrFail({ slug });
    const posts = milliseconds.map((ms) => ({
      id: uuidv7(),
      boardId,
      authorId: mina.id,
      title: 'T',
      body: 'B',
      excerpt: 'B',
      createdAt: new Date(Date.UTC(2025, 0, 1) + ms),
    }));
    await app.database.getRepository(Post).insert(posts);
    await app.database.getRepository(Board).increment({ slug }, 'postCount', posts.length);
    return posts
      .toSorted((a, b) => b.createdAt.getTime() - a.createdAt.getTime() || (a.id < b.id ? 1 : -1))
      .map(({ id }) => id);
  }
});

describe('the post count of a board', () => {
  const countOf = async (slug: string) => (await json(anyone('GET', `/boards/${slug}`)))['postCount'];

  it('does not include refused posts', async () => {
    const slug = await makeBoard();
    const path = await writePost('B', slug);
    await mina.call('POST', `/boards/${slug}/posts`, { title: '', body: '' });
    await joon.call('DELETE', path);
    await mina.call('DELETE', path, undefined, { 'if-match': '"7"' });
    expect(await countOf(slug)).toBe(1);
  });
});
