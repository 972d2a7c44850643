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

const CHALLENGE = { code_challenge: 'a'.repeat(43), code_challenge_method: 'S256' };
const SESSION_GONE = { error: 'invalid_request', error_description: 'no valid data in session' };

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, smtpPort: 0 });
});
afterAll(() => sandbox.close());

async function profileOf(persona: string): Promise<Record<string, unknown>> {
  const body = JSON.parse(await profileText(sandbox, 'naver', persona)) as {
    response: Record<string, unknown>;
  };
  return body.response;
}

function revoke(token: string, secret = 'sandbox-secret'): Promise<Response> {
  return fetch(`${sandbox.url}/nid.naver.com/oauth2.0/revoke`, {
    method: 'POST',
    body: new URLSearchParams({
      client_id: 'sandbox-client',
      client_secret: secret,
      token,
      token_type_hint: 'access_token',
    }),
  });
}

describe('classic Naver tokens', () => {
  it('have expires_in as a string', async () => {
    expect(await tokensFor(sandbox, 'naver')).toMatchObject({ token_type: 'bearer', expires_in: '3600' });
  });

  it('contain characters that require percent-encoding in a query', async () => {
    const { access_token: accessToken, refresh_token: refreshToken } = await tokensFor(sandbox, 'naver');
    for (const token of [accessToken, refreshToken]) expect(token).toMatch(/^AAAA(?=.*\+)(?=.*\/).*=$/);
  });

  it('are issued to GET requests', async () => {
    const query = new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: 'sandbox-client',
      client_secret: 'sandbox-secret',
      code: await codeFor(sandbox, 'naver'),
      state: 'the state',
    });
    const answer = await fetch(`${sandbox.url}${ROADS.naver.token}?${query}`);
    expect(await answer.json()).toHaveProperty('access_token');
  });

  it('are refreshed without a new refresh token', async () => {
    const { refresh_token: refreshToken = '' } = await tokensFor(sandbox, 'naver');
    const answer = await exchange(sandbox, 'naver', '', {
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
    });
    const tokens = (await answer.json()) as TokenAnswer;
    expect(tokens).not.toHaveProperty('refresh_token');
    expect((await profile(sandbox, 'naver', tokens.access_token)).status).toBe(200);
  });
});

describe('classic Naver refusals have HTTP 200', () => {
  it.each<[string, Record<string, string | undefined>]>([
    ['an unknown code', { code: 'x' }],
    ['no state', { state: undefined }],
    ['another state', { state: 'x' }],
    ['another redirect_uri', { redirect_uri: 'http://localhost/x' }],
  ])('for %s', async (_what, changes) => {
    const answer = await exchange(sandbox, 'naver', await codeFor(sandbox, 'naver'), changes);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual(SESSION_GONE);
  });

  it('for a code that was used (replay)', async () => {
    const code = await codeFor(sandbox, 'naver');
    await exchange(sandbox, 'naver', code);
    const answer = await exchange(sandbox, 'naver', code);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual(SESSION_GONE);
  });

  it.each([{ client_secret: 'x' }, { client_secret: undefined }, { client_id: 'x' }])(
    'for the credentials %p',
    async (changes) => {
      const answer = await exchange(sandbox, 'naver', await codeFor(sandbox, 'naver'), changes);
      expect(answer.status).toBe(200);
      expect(await answer.json()).toEqual({
        error: 'invalid_request',
        error_description: 'wrong client id / client secret pair',
      });
    },
  );

  it('for a missing verifier after a PKCE challenge', async () => {
    const code = await codeFor(sandbox, 'naver', 'mina', CHALLENGE);
    expect(await (await exchange(sandbox, 'naver', code)).json()).toEqual(SESSION_GONE);
  });

  it('for a code of the OIDC endpoint', async () => {
    const code = await codeFor(sandbox, 'naver-oidc');
    const answer = await exchange(sandbox, 'naver', code, { code_verifier: 'v'.repeat(43) });
    expect(await answer.json()).toEqual(SESSION_GONE);
  });
});

describe('Naver OIDC', () => {
  it('issues an id_token signed by the published key, for the same user', async () => {
    const { id_token: idToken = '', access_token: token } = await tokensFor(sandbox, 'naver-oidc');
    const jwks = (await (await fetch(`${sandbox.url}/nid.naver.com/oauth2/jwks`)).json()) as JSONWebKeySet;
    const { payload } = await jwtVerify(idToken, createLocalJWKSet(jwks), {
      issuer: 'https://nid.naver.com',
      audience: 'sandbox-client',
    });
    const me = (await (await profile(sandbox, 'naver-oidc', token)).json()) as { response: { id: string } };
    expect(payload.sub).toBe(me.response.id);
  });

  it.each<[string, Record<string, string | undefined>, number, string]>([
    ['a wrong secret', { client_secret: 'x' }, 401, 'invalid_client'],
    ['no verifier', { code_verifier: undefined }, 400, 'invalid_grant'],
    ['a wrong verifier', { code_verifier: 'w'.repeat(43) }, 400, 'invalid_grant'],
    ['no state', { state: undefined }, 400, 'invalid_grant'],
    ['no redirect_uri', { redirect_uri: undefined }, 400, 'invalid_grant'],
    ['another grant', { grant_type: 'refresh_token' }, 400, 'unsupported_grant_type'],
  ])('refuses %s with an HTTP error status', async (_what, changes, status, error) => {
    const answer = await exchange(sandbox, 'naver-oidc', await codeFor(sandbox, 'naver-oidc'), changes);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toEqual({ error });
  });

  it('refuses a code that was used (replay)', async () => {
    const code = await codeFor(sandbox, 'naver-oidc');
    await exchange(sandbox, 'naver-oidc', code);
    expect((await exchange(sandbox, 'naver-oidc', code)).status).toBe(400);
  });

  it('refuses a GET at the token endpoint', async () => {
    expect((await fetch(sandbox.url + ROADS['naver-oidc'].token)).status).toBe(405);
  });
});

describe('Naver personas', () => {
  it('include Mina, an ordinary account', async () => {
    expect(JSON.parse(await profileText(sandbox, 'naver', 'mina'))).toEqual({
      resultcode: '00',
      message: 'success',
      response: {
        id: expect.stringMatching(/^[\w-]{43}$/),
        nickname: '김미나',
        name: '김미나',
        email: 'sandbox.mina@naver.com',
        profile_image: 'https://example.com/avatars/mina.png',
      },
    });
  });

  it('include external with an address of another mail service', async () => {
    expect(await profileOf('external')).toHaveProperty('email', 'sandbox-mina@gmail.com');
  });

  it('include default-nickname with a masked nickname', async () => {
    expect(await profileOf('default-nickname')).toHaveProperty('nickname', 'san***');
  });

  it('include no-email without an address', async () => {
    expect(await profileOf('no-email')).not.toHaveProperty('email');
  });

  it('include bare with an id alone', async () => {
    expect(Object.keys(await profileOf('bare'))).toEqual(['id']);
  });
});

describe('the Naver profile', () => {
  it('is refused to an unknown token', async () => {
    const answer = await profile(sandbox, 'naver', 'unknown');
    expect(answer.status).toBe(401);
    expect(await answer.json()).toHaveProperty('resultcode', '024');
  });

  it('is refused to a token in the query', async () => {
    const { access_token: token } = await tokensFor(sandbox, 'naver');
    const query = new URLSearchParams({ access_token: token });
    const answer = await fetch(`${sandbox.url}${ROADS.naver.profile}?${query}`);
    expect(answer.status).toBe(401);
    expect(await answer.json()).toHaveProperty('resultcode', '028');
  });

  it('has an endpoint that lists its granted members', async () => {
    const { access_token: token } = await tokensFor(sandbox, 'naver', 'no-email');
    const answer = await fetch(`${sandbox.url}/openapi.naver.com/v1/nid/verify?info=true`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(await answer.json()).toHaveProperty('response.allowed_profile', 'nickname,name,profile_image');
  });
});

describe('revoking at Naver', () => {
  it('ends both tokens', async () => {
    const tokens = await tokensFor(sandbox, 'naver', 'user-revoked');
    expect((await revoke(tokens.access_token)).status).toBe(200);
    expect((await profile(sandbox, 'naver', tokens.access_token)).status).toBe(401);
    const refreshed = await exchange(sandbox, 'naver', '', {
      grant_type: 'refresh_token',
      refresh_token: tokens.refresh_token,
    });
    expect(await refreshed.json()).toHaveProperty('error');
  });

  it('answers 200 with an empty result for an unknown token', async () => {
    const answer = await revoke('unknown');
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe('');
  });

  it('requires the right client secret', async () => {
    const { access_token: token } = await tokensFor(sandbox, 'naver');
    expect((await revoke(token, 'x')).status).toBe(401);
    expect((await profile(sandbox, 'naver', token)).status).toBe(200);
  });
});
