import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { cursorOf } from '../../src/http/pagination.js';
import { anonymous, json, signedIn, type Call, type SignedIn } from '../support/fixtures/actors.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';

const ID = '019340e2-5c00-7000-8000-00000000da00';
const HOUR = 3_600_000;

let app: TestApp;
let anyone: Call;
let mina: SignedIn;
let joon: SignedIn;
let boardId: string;
/** Two posts on each of two boards, with two comments each. */
let posts: string[] = [];
beforeAll(async () => {
  app = await startApp();
  anyone = anonymous(app);
  mina = await signedIn(app, { roles: ['user', 'admin'] });
  joon = await signedIn(app);
  for (const slug of ['tea', 'coffee']) {
    await mina.call('POST', '/boards', { slug, title: slug });
    for (const title of ['a cup', 'a cup of more']) {
      const { headers } = await mina.call('POST', `/boards/${slug}/posts`, { title, body: 'B' });
      posts.push(headers.get('location')!);
    }
  }
  for (const post of posts)
    for (const body of ['C', 'D']) await mina.call('POST', `${post}/comments`, { body });
  const [board] = await app.database.query<{ id: string }[]>(
    "SELECT id FROM board.boards WHERE slug = 'tea'",
  );
  boardId = board!.id;
  for (const { id } of [mina, joon]) {
    await app.database.query(
      "INSERT INTO auth.audit_events (account_id, kind, details) SELECT $1, 'account_opened', '{}' FROM generate_series(1, 3)",
      [id],
    );
  }
});
afterAll(() => app.stop());

/** Each list with its name and a valid cursor position. */
const LISTS: Record<
  string,
  () => { path: string; name: string; place: Record<string, unknown>; call?: Call }
> = {
  'the boards': () => ({ path: '/boards?limit=1', name: 'boards', place: { at: Date.now(), id: ID } }),
  'the latest posts': () => ({
    path: '/boards/tea/posts?limit=1',
    name: `latest ${boardId}`,
    place: { at: Date.now(), id: ID },
  }),
  'the popular posts': () => ({
    path: '/boards/tea/posts?limit=1&sort=popular',
    name: `popular ${boardId}`,
    place: { popularity: Math.floor(Date.now() / 1_000), id: ID, snapshot: '1:1:' },
  }),
  'a search': () => ({
    path: '/boards/tea/posts?limit=1&q=cup',
    name: `search ${boardId} cup`,
    place: { at: Date.now(), id: ID, part: 'title' },
  }),
  comments: () => ({
    path: `${posts[0]}/comments?limit=1`,
    name: `comments of ${posts[0]!.slice('/posts/'.length)}`,
    place: { at: Date.now(), id: ID },
  }),
  'the events of an account': () => ({
    path: '/auth/events?limit=1',
    name: `events of ${mina.id}`,
    place: { id: '2' },
    call: mina.call,
  }),
};
const NAMES = Object.keys(LISTS);

/** Returns the status of a list request with a cursor. A refusal must point to the cursor. */
async function from(list: string, cursor: string): Promise<number> {
  const { path, call = anyone } = LISTS[list]!();
  const answer = await call('GET', `${path}&cursor=${encodeURIComponent(cursor)}`);
  if (answer.status !== 200) {
    expect(await json(answer)).toMatchObject({ code: 'validation_failed', errors: [{ pointer: '/cursor' }] });
  }
  return answer.status;
}

describe.each(NAMES)('a cursor of %s', (list) => {
  const good = () => LISTS[list]!();
  const next = async (): Promise<string> => {
    const { path, call = anyone } = good();
    const { nextCursor } = await json<{ nextCursor: string }>(call('GET', path));
    expect(nextCursor).toEqual(expect.any(String));
    return nextCursor;
  };

  it('continues its own list', async () => {
    expect(await from(list, await next())).toBe(200);
    expect(await from(list, cursorOf(good().name, good().place))).toBe(200);
  });

  it.each(NAMES.filter((other) => other !== list))('is refused in %s', async (other) => {
    expect(await from(other, await next())).toBe(400);
  });

  it('is refused in any modified form', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.string({ unit: 'grapheme' }), fc.json(), fc.base64String()),
        async (text) => {
          fc.pre(!/\p{Cs}/u.test(text));
          expect(await from(list, text)).toBe(400);
          expect(await from(list, Buffer.from(text).toString('base64url'))).toBe(400);
        },
      ),
      { numRuns: 40, examples: [['']] },
    );
  });

  it('is refused when a member of its position has a value out of range', async () => {
    const { name, place } = good();
    const late = [Date.now() + 48 * HOUR, 253_402_300_799_999, Number.MAX_SAFE_INTEGER, 1e300];
    const outside: Record<string, fc.Arbitrary<unknown>> = {
      at: fc.oneof(fc.constantFrom<unknown>(...late, 1.5, null, '1'), fc.integer({ max: -1 })),
      popularity: fc.oneof(fc.constantFrom<unknown>(...late, 1.5, null), fc.integer({ max: -1 })),
      id: fc.oneof(
        fc.string({ maxLength: 50 }).filter((id) => !/^[1-9]\d{0,17}$/.test(id)),
        fc.double(),
      ),
      part: fc.string(),
      snapshot: fc.oneof(
        fc.string(),
        fc.tuple(fc.nat(), fc.nat()).map(([a, b]) => `${a + b + 1}:${b}:`),
      ),
      more: fc.anything(),
    };
    const member = fc.constantFrom(...Object.keys(place), 'more');
    await fc.assert(
      fc.asyncProperty(
        member.chain((key) => fc.tuple(fc.constant(key), outside[key]!)),
        async ([key, value]) => {
          fc.pre(JSON.stringify(value) !== undefined);
          expect(await from(list, cursorOf(name, { ...place, [key]: value }))).toBe(400);
        },
      ),
      { numRuns: 60 },
    );
  });
});

it.each([
  ['the latest posts of another board', '/boards/coffee/posts', () => '/boards/tea/posts?limit=1'],
  ['another search', '/boards/tea/posts?q=more', () => '/boards/tea/posts?limit=1&q=cup'],
  ['the comments of another post', () => `${posts[1]}/comments`, () => `${posts[0]}/comments?limit=1`],
])('a cursor is refused in %s', async (_, other, own) => {
  const { nextCursor } = await json<{ nextCursor: string }>(anyone('GET', own()));
  const path = typeof other === 'string' ? other : other();
  const answer = await anyone('GET', `${path}${path.includes('?') ? '&' : '?'}cursor=${nextCursor}`);
  expect(answer.status).toBe(400);
});

it('a cursor is refused in the audit trail of another account', async () => {
  const { nextCursor } = await json<{ nextCursor: string }>(mina.call('GET', '/auth/events?limit=1'));
  expect((await joon.call('GET', `/auth/events?cursor=${nextCursor}`)).status).toBe(400);
});
