import { randomUUID } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { AccessTokens } from '../../src/auth/access-tokens.js';
import { Account } from '../../src/auth/account.entity.js';
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
  const call = anonymous(app);
  return {
    id,
    nickname,
    call: (method, path, body, headers) =>
      call(method, path, body, { authorization: `Bearer ${accessToken}`, ...headers }),
  };
}
