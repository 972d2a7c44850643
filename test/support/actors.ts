import { randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { AccessTokens } from '../../src/auth/sessions/access-tokens.js';
import { Account } from '../../src/auth/account/account.entity.js';
import { Sessions, type Tokens } from '../../src/auth/sessions/sessions.js';
import { Profiles } from '../../src/users/profiles.js';
import type { TestApp } from './app.js';

/** Calls the API; `body` goes out as JSON. */
export type Call = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<Response>;

/** Someone who has an account, a profile and an access token. */
export interface SignedIn {
  readonly id: string;
  readonly nickname: string;
  /** Calls the API as this person. */
  readonly call: Call;
  /** The same at another process. */
  readonly through: (app: TestApp) => Call;
}

/** Calls the API as nobody in particular. */
export function anonymous(app: TestApp): Call {
  return (method, path, body, headers) => {
    const options: RequestInit = { method, headers: { ...headers } };
    if (body !== undefined) {
      options.headers = { 'content-type': 'application/json', ...headers };
      options.body = JSON.stringify(body);
    }
    return fetch(app.url + path, options);
  };
}

/** A new person who has logged in. */
export async function signedIn(
  app: TestApp,
  { roles = ['user'], nickname = 'mina' }: { roles?: string[]; nickname?: string } = {},
): Promise<SignedIn> {
  const { app: nest } = app.daemun;
  const id = uuidv7();
  await app.database.getRepository(Account).insert({ id, roles, nickname });
  await nest.get(Profiles, { strict: false }).createIfAbsent(id, { nickname, avatarUrl: null });
  const accessToken = nest
    .get(AccessTokens, { strict: false })
    .issue({ accountId: id, sessionId: randomUUID(), roles });
  const through = (process: TestApp): Call => {
    const call = anonymous(process);
    return (method, path, body, headers) =>
      call(method, path, body, { authorization: `Bearer ${accessToken}`, ...headers });
  };
  return { id, nickname, call: through(app), through };
}

/** Opens a session of a new account; its tokens. */
export async function openSession(app: TestApp): Promise<Tokens> {
  const { id: accountId } = await signedIn(app);
  const sessions = app.daemun.app.get(Sessions, { strict: false });
  return sessions.open({ accountId, roles: ['user'], method: 'kakao' });
}

/** The body of an answer; an empty object where it has none, so that an expectation about a member fails as such. */
export async function json<T = Record<string, unknown>>(answer: Response | Promise<Response>): Promise<T> {
  return JSON.parse((await (await answer).text()) || '{}') as T;
}

/** Status and code of a problem, which must agree with each other. */
export async function failure(
  answer: Response | Promise<Response>,
): Promise<{ status: number; code: string }> {
  const response = await answer;
  const { status, code } = await json<{ status: number; code: string }>(response);
  expect(response.status).toBe(status);
  return { status, code };
}

/** Everything in a list, page by page, as a reader goes through it; `meanwhile` happens between two pages. */
export async function readAll<T>(
  call: Call,
  path: string,
  meanwhile: () => Promise<unknown> = async () => {},
): Promise<T[]> {
  const items: T[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const where: string = cursor === '' ? path : `${path}${path.includes('?') ? '&' : '?'}cursor=${cursor}`;
    const page: { items: T[]; nextCursor: string | null } = await json(call('GET', where));
    items.push(...page.items);
    cursor = page.nextCursor;
    if (cursor !== null) await meanwhile();
  }
  return items;
}
