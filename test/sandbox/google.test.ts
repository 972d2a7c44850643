import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { startSandbox, type Sandbox } from '../../sandbox/sandbox.js';
import {
  codeFor,
  exchange,
  profile,
  profileText,
  ROADS,
  type TokenAnswer,
  tokensFor,
} from '../support/fixtures/sandbox-flow.js';

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, smtpPort: 0 });
});
afterAll(() => sandbox.close());

async function profileOf(persona: string): Promise<Record<string, unknown>> {
  return JSON.parse(await profileText(sandbox, 'google', persona)) as Record<string, unknown>;
}

function refreshWith(refreshToken: string): Promise<Response> {
  return exchange(sandbox, 'google', '', {
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    code: undefined,
    code_verifier: undefined,
    redirect_uri: undefined,
  });
}

describe('Google tokens', () => {
  it('have expires_in as a number and scopes by their long names', async () => {
    const tokens = await tokensFor(sandbox, 'google');
    expect(tokens).toMatchObject({ expires_in: 3599, token_type: 'Bearer' });
    expect(tokens.scope).toBe(
      'https://www.googleapis.com/auth/userinfo.email openid https://www.googleapis.com/auth/userinfo.profile',
    );
    expect(tokens).not.toHaveProperty('refresh_token');
  });

  it('include an id_token signed by the published key', async () => {
    const { id_token: idToken = '' } = await tokensFor(sandbox, 'google', 'mina', { nonce: 'n-1' });
    const jwks = (await (
      await fetch(`${sandbox.url}/www.googleapis.com/oauth2/v3/certs`)
    ).json()) as JSONWebKeySet;
    const { payload } = await jwtVerify(idToken, createLocalJWKSet(jwks), {
      issuer: 'https://accounts.google.com',
      audience: 'sandbox-client',
      algorithms: ['RS256'],
    });
    expect(payload).toMatchObject({ nonce: 'n-1', email: 'sandbox-mina@gmail.com', email_verified: true });
  });

  it('include a refresh token for offline access at first consent or on prompt=consent', async () => {
    const first = await tokensFor(sandbox, 'google', 'user-offline', { access_type: 'offline' });
    const second = await tokensFor(sandbox, 'google', 'user-offline', { access_type: 'offline' });
    expect(first.refresh_token).toMatch(/^1\/\/0/);
    expect(second.refresh_token).toBeUndefined();
    const asked = await tokensFor(sandbox, 'google', 'user-offline', {
      access_type: 'offline',
      prompt: 'consent',
    });
    expect(asked.refresh_token).toBeDefined();
    const refreshed = (await (await refreshWith(first.refresh_token ?? '')).json()) as TokenAnswer;
    expect((await profile(sandbox, 'google', refreshed.access_token)).status).toBe(200);
  });

  it('are issued to credentials in a Basic header', async () => {
    const body = new URLSearchParams({
      grant_type: 'authorization_code',
      redirect_uri: 'http://localhost:3000/auth/google/callback',
      code: await codeFor(sandbox, 'google'),
      code_verifier: 'v'.repeat(43),
    });
    const authorization = `Basic ${Buffer.from('sandbox-client:sandbox-secret').toString('base64')}`;
    const answer = await fetch(sandbox.url + ROADS.google.token, {
      method: 'POST',
      body,
      headers: { authorization },
    });
    expect(answer.status).toBe(200);
  });
});

describe('refusals of Google', () => {
  it.each<[string, Record<string, string | undefined>, number, string, string]>([
    [
      'another redirect_uri',
      { redirect_uri: 'http://localhost/x' },
      400,
      'redirect_uri_mismatch',
      'Bad Request',
    ],
    ['no verifier', { code_verifier: undefined }, 400, 'invalid_grant', 'Missing code verifier.'],
    ['a wrong verifier', { code_verifier: 'w'.repeat(43) }, 400, 'invalid_grant', 'Invalid code verifier.'],
    ['an unknown code', { code: '4/0abc' }, 400, 'invalid_grant', 'Malformed auth code.'],
    ['a wrong secret', { client_secret: 'x' }, 401, 'invalid_client', 'Unauthorized'],
    ['an unknown client', { client_id: 'x' }, 401, 'invalid_client', 'The OAuth client was not found.'],
    [
      'another grant',
      { grant_type: 'password' },
      400,
      'unsupported_grant_type',
      'Invalid grant_type: password',
    ],
  ])('cover %s', async (_what, changes, status, error, description) => {
    const answer = await exchange(sandbox, 'google', await codeFor(sandbox, 'google'), changes);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toEqual({ error, error_description: description });
  });

  it('cover a code that was used (replay)', async () => {
    const code = await codeFor(sandbox, 'google');
    await exchange(sandbox, 'google', code);
    const answer = await exchange(sandbox, 'google', code);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual({ error: 'invalid_grant', error_description: 'Bad Request' });
  });

  it('cover a code that was tried with a wrong verifier before', async () => {
    const code = await codeFor(sandbox, 'google');
    await exchange(sandbox, 'google', code, { code_verifier: 'w'.repeat(43) });
    expect((await exchange(sandbox, 'google', code)).status).toBe(400);
  });

  it('cover a verifier that is too short, although its hash matches', async () => {
    const code = await codeFor(sandbox, 'google', 'mina', {
      code_challenge: createHash('sha256').update('short').digest('base64url'),
    });
    expect((await exchange(sandbox, 'google', code, { code_verifier: 'short' })).status).toBe(400);
  });

  it('cover the refresh token of another provider', async () => {
    const { refresh_token: refreshToken = '' } = await tokensFor(sandbox, 'kakao');
    expect((await refreshWith(refreshToken)).status).toBe(400);
  });

  it('cover a GET at the token endpoint', async () => {
    expect((await fetch(sandbox.url + ROADS.google.token)).status).toBe(405);
  });

  it('cover a token in the query', async () => {
    const { access_token: accessToken } = await tokensFor(sandbox, 'google');
    const answer = await fetch(`${sandbox.url}${ROADS.google.profile}?access_token=${accessToken}`);
    expect(answer.status).toBe(401);
    expect(await answer.json()).toEqual({
      error: 'invalid_request',
      error_description: 'Invalid Credentials',
    });
  });

  it('have another shape at the older profile endpoint', async () => {
    const answer = await fetch(`${sandbox.url}/www.googleapis.com/oauth2/v3/userinfo`);
    expect(await answer.json()).toMatchObject({ error: { code: 401, status: 'UNAUTHENTICATED' } });
  });

  it('cover the token of another provider', async () => {
    const { access_token: accessToken } = await tokensFor(sandbox, 'kakao');
    expect((await profile(sandbox, 'google', accessToken)).status).toBe(401);
  });
});

describe('Google personas', () => {
  it('include Mina, an ordinary account', async () => {
    expect(await profileOf('mina')).toEqual({
      sub: expect.stringMatching(/^\d{21}$/),
      name: '김미나',
      given_name: '미나',
      family_name: '김',
      picture: 'https://example.com/avatars/mina.png',
      email: 'sandbox-mina@gmail.com',
      email_verified: true,
    });
  });

  it.each<[string, Record<string, unknown>]>([
    ['workspace', { hd: 'company.example', email_verified: true }],
    ['external', { email: 'minho@elsewhere.example', email_verified: true }],
    ['unverified', { email_verified: false }],
    ['string-flags', { email_verified: 'true' }],
  ])('include %s with its special members', async (persona, members) => {
    expect(await profileOf(persona)).toMatchObject(members);
  });

  it('include external without a domain', async () => {
    expect(await profileOf('external')).not.toHaveProperty('hd');
  });

  it('include no-email without an address', async () => {
    const profile = await profileOf('no-email');
    expect(profile).not.toHaveProperty('email');
    expect(profile).not.toHaveProperty('email_verified');
  });

  it('include bare with a subject alone', async () => {
    expect(Object.keys(await profileOf('bare'))).toEqual(['sub']);
  });

  it('can be invented, each with a constant and unique subject', async () => {
    const [one, again, other] = [
      await profileOf('user-1'),
      await profileOf('user-1'),
      await profileOf('user-2'),
    ];
    expect(again).toEqual(one);
    expect(other['sub']).not.toBe(one['sub']);
  });

  it('have only the members that the scope covers', async () => {
    const text = await profileText(sandbox, 'google', 'mina', { scope: 'openid' });
    expect(Object.keys(JSON.parse(text) as object)).toEqual(['sub']);
  });
});

it('revoking at Google ends the token, and a second time is an error', async () => {
  const { access_token: token } = await tokensFor(sandbox, 'google', 'user-revoked');
  const revoke = (): Promise<Response> =>
    fetch(`${sandbox.url}/oauth2.googleapis.com/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ token }),
    });
  expect((await revoke()).status).toBe(200);
  expect((await profile(sandbox, 'google', token)).status).toBe(401);
  expect((await revoke()).status).toBe(400);
});

it('the discovery document of Google has the real URLs', async () => {
  const answer = await fetch(`${sandbox.url}/accounts.google.com/.well-known/openid-configuration`);
  expect(await answer.json()).toMatchObject({
    issuer: 'https://accounts.google.com',
    token_endpoint: 'https://oauth2.googleapis.com/token',
  });
});
