import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { z } from 'zod';
import { addressOnly, credentials, registration } from '../../src/auth/local/schemas.js';
import { boardChanges, newBoard } from '../../src/boards/board-schemas.js';
import { newComment } from '../../src/boards/comment-schemas.js';
import { postQuery } from '../../src/boards/post-query.js';
import { newPost, postChanges } from '../../src/boards/post-schemas.js';
import { FIELD_ERRORS, type FieldErrorCode } from '../../src/problems/field-errors.js';
import { problemBody } from '../../src/problems/problem-body.js';
import { Problem } from '../../src/problems/problem.js';
import { validation } from '../../src/problems/validation.js';
import { profileChanges } from '../../src/users/schemas.js';
import { anonymous, signedIn, type Call } from '../support/fixtures/actors.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';

const SCHEMAS = {
  addressOnly,
  credentials,
  registration,
  newBoard,
  boardChanges,
  newPost,
  postChanges,
  postQuery,
  newComment,
  profileChanges,
};

/** The entries of `errors` for a value; empty if the schema accepts it. */
async function errorsOf(schema: z.ZodType, value: unknown) {
  try {
    await validation.transform(value, { type: 'body', schema });
    return [];
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return error.errors ?? [];
  }
}

describe('an entry of errors', () => {
  const account = { email: 'fine@example.com', password: 'long enough', nickname: 'Fine' };
  it.each<[string, z.ZodType, unknown, string, FieldErrorCode]>([
    ['a missing member', registration, { ...account, email: undefined }, '/email', 'required'],
    ['an empty presented password', credentials, { ...account, password: '' }, '/password', 'required'],
    ['an empty title', newPost, { title: '', body: 'B' }, '/title', 'required'],
    ['null for a text', newPost, { title: null, body: 'B' }, '/title', 'invalid_type'],
    ['a body that is a list', newPost, [], '', 'invalid_type'],
    ['an address without @', addressOnly, { email: 'mina' }, '/email', 'invalid_format'],
    ['a picture by http', profileChanges, { avatarUrl: 'http://x.test' }, '/avatarUrl', 'invalid_format'],
    ['a slug with a space', newBoard, { slug: 'a b', title: 'T' }, '/slug', 'invalid_format'],
    ['a nickname of one character', profileChanges, { nickname: 'x' }, '/nickname', 'too_short'],
    [
      'a password of 7 characters',
      registration,
      { ...account, password: '1!aZ_-4' },
      '/password',
      'too_short',
    ],
    ['a bio of 301 characters', profileChanges, { bio: 'x'.repeat(301) }, '/bio', 'too_long'],
    ['a slug of 41 characters', newBoard, { slug: 'x'.repeat(41), title: 'T' }, '/slug', 'too_long'],
    [
      'a password of 129 characters',
      registration,
      { ...account, password: 'x'.repeat(129) },
      '/password',
      'too_long',
    ],
    [
      'a password of 2,000 characters',
      credentials,
      { ...account, password: 'x'.repeat(2_000) },
      '/password',
      'too_long',
    ],
    [
      'an address of 300 characters',
      addressOnly,
      { email: `a@${'x'.repeat(49)}.${'y.'.repeat(120)}com` },
      '/email',
      'too_long',
    ],
    ['a limit of 101', postQuery, { limit: '101' }, '/limit', 'out_of_range'],
    ['a limit of 0', postQuery, { limit: '0' }, '/limit', 'out_of_range'],
    ['an unknown locale', profileChanges, { locale: 'fr' }, '/locale', 'not_allowed'],
    ['an unknown member', newPost, { title: 'T', body: 'B', id: 1 }, '', 'unknown_member'],
    ['a body of white space', newPost, { title: 'T', body: ' \n ' }, '/body', 'blank'],
    ['a NUL', newPost, { title: 'T', body: 'B\0' }, '/body', 'invalid_characters'],
    ['a line break in a title', newPost, { title: 'T\nT', body: 'B' }, '/title', 'invalid_characters'],
    [
      'a pile of accents',
      newPost,
      { title: `T${'\u0301'.repeat(40)}`, body: 'B' },
      '/title',
      'invalid_characters',
    ],
    ['Hangul before the @', addressOnly, { email: '미나@example.com' }, '/email', 'not_ascii'],
    ['a common password', registration, { ...account, password: 'password1' }, '/password', 'too_common'],
    [
      'the address as password',
      registration,
      { ...account, password: account.email },
      '/password',
      'matches_account',
    ],
    ['a cursor that is no cursor', postQuery, { cursor: 'x' }, '/cursor', 'invalid_cursor'],
    ['no change', profileChanges, {}, '', 'no_changes'],
  ])('has the code of %s', async (_, schema, value, pointer, code) => {
    const [first] = await errorsOf(schema, value);
    expect(first).toEqual({ pointer, code, detail: expect.any(String) });
  });

  it('has a code of the catalogue for every generated value', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.constantFrom('', 'x@y', '\0', '12'),
    );
    const member = fc.oneof(text, fc.jsonValue({ maxDepth: 2 }));
    const names = fc.constantFrom(
      ...'email password nickname slug title description body'.split(' '),
      ...'cursor limit sort q avatarUrl bio locale other'.split(' '),
    );
    const value = fc.oneof(fc.dictionary(names, member), fc.jsonValue());
    const codes = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...Object.values(SCHEMAS)), value, async (schema, sent) => {
        for (const { code } of await errorsOf(schema, sent)) codes.add(code);
      }),
      { numRuns: 1_000 },
    );
    expect(Object.keys(FIELD_ERRORS)).toEqual(expect.arrayContaining([...codes]));
    // Every refusal of these schemas has a meaning of its own.
    expect([...codes]).not.toContain('invalid');
  });
});

describe('errors of a response', () => {
  let app: TestApp;
  let anyone: Call;
  beforeAll(async () => {
    app = await startApp();
    anyone = anonymous(app);
  });
  afterAll(() => app.stop());

  it('have a code in the response body', async () => {
    const response = await anyone('POST', '/auth/register', { email: 'x' });
    const { errors } = problemBody.parse(await response.json());
    expect(errors?.map(({ pointer, code }) => [pointer, code])).toEqual([
      ['/email', 'invalid_format'],
      ['/password', 'required'],
      ['/nickname', 'required'],
    ]);
  });

  it('name the cursor of another list as invalid_cursor', async () => {
    const mina = await signedIn(app);
    const cursor = Buffer.from(JSON.stringify({ list: 'x', position: { id: '1' } })).toString('base64url');
    const response = await mina.call('GET', `/auth/events?cursor=${cursor}`);
    expect(await response.json()).toMatchObject({ errors: [{ pointer: '/cursor', code: 'invalid_cursor' }] });
  });

  it('name a malformed Idempotency-Key as invalid_format', async () => {
    const mina = await signedIn(app);
    const headers = { 'idempotency-key': 'x'.repeat(201) };
    const response = await mina.call('POST', '/boards/free/posts', { title: 'T', body: 'B' }, headers);
    const errors = [{ pointer: '/Idempotency-Key', code: 'invalid_format' }];
    expect(await response.json()).toMatchObject({ errors });
  });
});
