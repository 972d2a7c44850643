import { createHash } from 'node:crypto';
import type { Sandbox } from '../../sandbox/sandbox.js';

const VERIFIER = 'v'.repeat(43);

/** The four ways of logging in that the sandbox plays, with their addresses and what each asks for. */
export const ROADS = {
  google: {
    provider: 'google',
    authorize: '/accounts.google.com/o/oauth2/v2/auth',
    token: '/oauth2.googleapis.com/token',
    profile: '/openidconnect.googleapis.com/v1/userinfo',
    scope: 'openid email profile',
    pkce: true,
  },
  kakao: {
    provider: 'kakao',
    authorize: '/kauth.kakao.com/oauth/authorize',
    token: '/kauth.kakao.com/oauth/token',
    profile: '/kapi.kakao.com/v2/user/me',
    scope: 'account_email,profile_nickname,profile_image,openid',
    pkce: true,
  },
  naver: {
    provider: 'naver',
    authorize: '/nid.naver.com/oauth2.0/authorize',
    token: '/nid.naver.com/oauth2.0/token',
    profile: '/openapi.naver.com/v1/nid/me',
    scope: undefined,
    pkce: false,
  },
  'naver-oidc': {
    provider: 'naver',
    authorize: '/nid.naver.com/oauth2/authorize',
    token: '/nid.naver.com/oauth2/token',
    profile: '/openapi.naver.com/v1/nid/me',
    scope: 'openid profile',
    pkce: true,
  },
} as const;

export type Road = keyof typeof ROADS;

/** Members to add to a request, or to leave out with `undefined`. */
export type Changes = Record<string, string | undefined>;

export interface TokenAnswer {
  access_token: string;
  refresh_token?: string;
  id_token?: string;
  expires_in: number | string;
  scope?: string;
  error?: string;
  error_description?: string;
  error_code?: string;
}

/** Where the application of these tests wants its users back. */
export function callbackOf(road: Road): string {
  return `http://localhost:3000/auth/${ROADS[road].provider}/callback`;
}

function withChanges(members: Changes, changes: Changes): URLSearchParams {
  const all = Object.entries({ ...members, ...changes });
  return new URLSearchParams(all.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** Opens the authorization endpoint as a browser does. */
export function openDoor(sandbox: Sandbox, road: Road, changes: Changes = {}): Promise<Response> {
  const { authorize, scope, pkce } = ROADS[road];
  const query = withChanges(
    {
      response_type: 'code',
      client_id: 'sandbox-client',
      redirect_uri: callbackOf(road),
      state: 'the state',
      scope,
      ...(pkce && {
        code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
        code_challenge_method: 'S256',
      }),
    },
    changes,
  );
  return fetch(`${sandbox.url}${authorize}?${query}`, { redirect: 'manual' });
}

/** The one-time handle in a consent page. */
export function handleOf(page: string): string {
  return /name="consent" value="([^"]+)"/.exec(page)?.[1] ?? '';
}

/** Presses a button of the consent form. */
export function press(sandbox: Sandbox, handle: string, persona: string): Promise<Response> {
  return fetch(`${sandbox.url}/consent`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ consent: handle, persona }),
  });
}

/** Walks from the authorization endpoint through the form, and returns where the browser is sent. */
export async function consent(
  sandbox: Sandbox,
  road: Road,
  persona = 'mina',
  changes: Changes = {},
): Promise<URL> {
  const page = await openDoor(sandbox, road, changes);
  const answer = await press(sandbox, handleOf(await page.text()), persona);
  return new URL(answer.headers.get('location') ?? 'about:blank');
}

/** A code for a persona. */
export async function codeFor(
  sandbox: Sandbox,
  road: Road,
  persona = 'mina',
  changes: Changes = {},
): Promise<string> {
  return (await consent(sandbox, road, persona, changes)).searchParams.get('code') ?? '';
}

/** Posts to the token endpoint. */
export function exchange(
  sandbox: Sandbox,
  road: Road,
  code: string,
  changes: Changes = {},
): Promise<Response> {
  const { token, provider, pkce } = ROADS[road];
  const body = withChanges(
    {
      grant_type: 'authorization_code',
      client_id: 'sandbox-client',
      client_secret: 'sandbox-secret',
      redirect_uri: callbackOf(road),
      code,
      ...(provider === 'naver' && { state: 'the state' }),
      ...(pkce && { code_verifier: VERIFIER }),
    },
    changes,
  );
  return fetch(sandbox.url + token, { method: 'POST', body });
}

/** The whole way to a set of tokens. */
export async function tokensFor(
  sandbox: Sandbox,
  road: Road,
  persona = 'mina',
  changes: Changes = {},
): Promise<TokenAnswer> {
  const answer = await exchange(sandbox, road, await codeFor(sandbox, road, persona, changes));
  return (await answer.json()) as TokenAnswer;
}

/** Asks for the profile with a bearer token. */
export function profile(sandbox: Sandbox, road: Road, accessToken: string): Promise<Response> {
  return fetch(sandbox.url + ROADS[road].profile, { headers: { authorization: `Bearer ${accessToken}` } });
}

/** The text of a persona's profile, the whole way from the door. */
export async function profileText(
  sandbox: Sandbox,
  road: Road,
  persona: string,
  changes: Changes = {},
): Promise<string> {
  const { access_token: accessToken } = await tokensFor(sandbox, road, persona, changes);
  return (await profile(sandbox, road, accessToken)).text();
}
