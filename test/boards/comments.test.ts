import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
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

let app: TestApp;
let anyone: Call;
let admin: SignedIn;
let mina: SignedIn;
let joon: SignedIn;
/** Creates a post of mina. Returns its path. */
let post: string;
beforeAll(async () => {
  app = await startApp();
  anyone = anonymous(app);
  admin = await signedIn(app, { roles: ['user', 'admin'], nickname: 'admin' });
  mina = await signedIn(app, { nickname: 'mina' });
  joon = await signedIn(app, { nickname: 'joon' });
  await admin.call('POST', '/boards', { slug: 'tea', title: 'Tea' });
  post = await writePost();
});
afterAll(() => app.stop());

async function writePost(): Promise<string> {
  const { headers } = await mina.call('POST', '/boards/tea/posts', { title: 'T', body: 'B' });
  return headers.get('location')!;
}

interface Comment {
  readonly id: string;
  readonly body: string;
  readonly updatedAt: string;
}
const write = (body: string, user = joon, path = post) => user.call('POST', `${path}/comments`, { body });
const written = (body = 'C', user = joon, path = post) => json<Comment>(write(body, user, path));

describe('writing a comment', () => {
  it('returns the comment', async () => {
    const response = await write(' *Well* said!\n');
    expect(response.status).toBe(201);
    const comment = await json(response);
    expect(comment).toEqual({
      id: expect.stringMatching(/^[\da-f]{8}-[\da-f]{4}-7/),
      postId: post.slice('/posts/'.length),
      body: ' *Well* said!\n',
      author: { id: joon.id, nickname: 'joon', avatarUrl: null },
      createdAt: expect.stringMatching(/Z$/),
      updatedAt: comment['createdAt'],
    });
  });

  it('increments the comment count of the post and of its list entry', async () => {
    const path = await writePost();
    await write('one', joon, path);
    await write('two', mina, path);
    expect(await json(anyone('GET', path))).toMatchObject({ commentCount: 2 });
    const { items } = await json<{ items: unknown[] }>(anyone('GET', '/boards/tea/posts?limit=1'));
    expect(items).toMatchObject([{ commentCount: 2 }]);
  });

  it('requires a login to comment', async () => {
    expect(await failure(anyone('POST', `${post}/comments`, { body: 'C' }))).toEqual({
      status: 401,
      code: 'access_token_missing',
    });
  });

  it.each([`/posts/${randomUUID()}`, '/posts/nonsense'])('answers 404 for %s', async (path) => {
    expect(await failure(write('C', joon, path))).toEqual({ status: 404, code: 'post_not_found' });
  });

  it.each([
    ['an empty comment', { body: '' }, '/body'],
    ['a comment of 2001 characters', { body: 'a'.repeat(2_001) }, '/body'],
    ['an invisible comment', { body: ' \n' }, '/body'],
    ['an unknown member', { body: 'C', postId: randomUUID() }, ''],
  ])('refuses %s', async (_, body, pointer) => {
    const response = await joon.call('POST', `${post}/comments`, body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: 'validation_failed',
      errors: expect.arrayContaining([expect.objectContaining({ pointer })]),
    });
  });

  it('accepts 2000 characters', async () => {
    expect((await write('문'.repeat(2_000))).status).toBe(201);
  });
});

describe('the comments of a post', () => {
  it('are listed to every client exactly once, oldest first, with any limit', async () => {
    const path = await writePost();
    const bodies = Array.from({ length: 11 }, (_, n) => `comment ${n}`);
    for (const body of bodies) await write(body, joon, path);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 13 }), async (limit) => {
        const seen = await readAll<Comment>(anyone, `${path}/comments?limit=${limit}`);
        expect(seen.map(({ body }) => body)).toEqual(bodies);
      }),
      { numRuns: 8 },
    );
  });

  it('are an empty list for a new post', async () => {
    const comments = anyone('GET', `${await writePost()}/comments`);
    expect(await json(comments)).toEqual({ items: [], nextCursor: null });
  });

  it('are deleted with the post', async () => {
    const path = await writePost();
    const { id } = await written('C', joon, path);
    await mina.call('DELETE', path);
    expect(await failure(anyone('GET', `${path}/comments`))).toEqual({ status: 404, code: 'post_not_found' });
    expect(await failure(joon.call('DELETE', `/comments/${id}`))).toEqual({
      status: 404,
      code: 'comment_not_found',
    });
  });

  it('refuse the cursor of another list', async () => {
    expect(await failure(anyone('GET', `${post}/comments?cursor=nonsense`))).toEqual({
      status: 400,
      code: 'validation_failed',
    });
  });
});

describe('changing a comment', () => {
  it('is allowed to its author', async () => {
    const { id, updatedAt } = await written();
    await app.database.query("UPDATE board.comments SET updated_at = updated_at - interval '1 hour'");
    const response = await joon.call('PATCH', `/comments/${id}`, { body: 'Better' });
    expect(response.status).toBe(200);
    const changed = await json<Comment>(response);
    expect(changed.body).toBe('Better');
    expect(changed.updatedAt >= updatedAt).toBe(true);
  });

  it('is allowed to admins', async () => {
    const { id } = await written();
    expect((await admin.call('PATCH', `/comments/${id}`, { body: 'Moderated' })).status).toBe(200);
  });

  it('is refused to other users, including the author of the post', async () => {
    const { id } = await written();
    expect(await failure(mina.call('PATCH', `/comments/${id}`, { body: 'Mine' }))).toEqual({
      status: 403,
      code: 'forbidden',
    });
  });

  it.each([randomUUID(), 'nonsense'])('answers 404 for %s', async (id) => {
    expect(await failure(joon.call('PATCH', `/comments/${id}`, { body: 'B' }))).toEqual({
      status: 404,
      code: 'comment_not_found',
    });
  });
});

describe('deleting a comment', () => {
  it.each([
    ['its author', () => joon],
    ['an admin', () => admin],
  ])('is allowed to %s, and decrements the comment count', async (_, user) => {
    const path = await writePost();
    const { id } = await written('C', joon, path);
    expect((await user().call('DELETE', `/comments/${id}`)).status).toBe(204);
    expect(await json(anyone('GET', path))).toMatchObject({ commentCount: 0 });
    expect((await user().call('DELETE', `/comments/${id}`)).status).toBe(404);
  });

  it('is refused to other users', async () => {
    const { id } = await written();
    expect((await failure(mina.call('DELETE', `/comments/${id}`))).code).toBe('forbidden');
  });
});

describe('liking a post', () => {
  it('is idempotent: a repeated like counts once', async () => {
    const path = await writePost();
    for (let time = 0; time < 2; time++) {
      const response = await joon.call('PUT', `${path}/like`);
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({ likeCount: 1, likedByMe: true });
    }
    expect(await json(mina.call('PUT', `${path}/like`))).toEqual({ likeCount: 2, likedByMe: true });
  });

  it('is reversible, and the reversal is idempotent', async () => {
    const path = await writePost();
    await joon.call('PUT', `${path}/like`);
    for (let time = 0; time < 2; time++) {
      const response = joon.call('DELETE', `${path}/like`);
      expect(await json(response)).toEqual({ likeCount: 0, likedByMe: false });
    }
  });

  it('is not reversed by other users', async () => {
    const path = await writePost();
    await joon.call('PUT', `${path}/like`);
    expect(await json(mina.call('DELETE', `${path}/like`))).toEqual({ likeCount: 1, likedByMe: false });
  });

  it('is reported only to the user of the like', async () => {
    const path = await writePost();
    await joon.call('PUT', `${path}/like`);
    expect(await json(joon.call('GET', path))).toMatchObject({ likeCount: 1, likedByMe: true });
    expect(await json(mina.call('GET', path))).toMatchObject({ likeCount: 1, likedByMe: false });
    expect(await json(anyone('GET', path))).not.toHaveProperty('likedByMe');
  });

  it.each(['PUT', 'DELETE'])('requires a login: %s', async (method) => {
    expect((await failure(anyone(method, `${post}/like`))).code).toBe('access_token_missing');
  });

  it.each([
    ['PUT', `/posts/${randomUUID()}`],
    ['DELETE', `/posts/${randomUUID()}`],
    ['PUT', '/posts/nonsense'],
  ])('answers 404 for %s %s', async (method, path) => {
    expect(await failure(joon.call(method, `${path}/like`))).toEqual({ status: 404, code: 'post_not_found' });
  });
});

describe('a deleted author', () => {
  it('leaves posts and comments without an author', async () => {
    const leaver = await signedIn(app, { nickname: 'leaver' });
    const { headers } = await leaver.call('POST', '/boards/tea/posts', { title: 'T', body: 'B' });
    const path = headers.get('location')!;
    await write('still here', leaver, path);
    await app.daemun.app.get(Profiles, { strict: false }).delete(leaver.id);
    expect(await json(anyone('GET', path))).toMatchObject({ author: null, commentCount: 1 });
    const { items } = await json<{ items: unknown[] }>(anyone('GET', `${path}/comments`));
    expect(items).toMatchObject([{ author: null, body: 'still here' }]);
  });
});
