import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
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

interface KakaoProfile {
  id: number;
  properties?: Record<string, unknown>;
  kakao_account?: Record<string, unknown> & { profile?: Record<string, unknown> };
}

async function profileOf(persona: string): Promise<KakaoProfile> {
  return JSON.parse(await profileText(sandbox, 'kakao', persona)) as KakaoProfile;
}

/** Returns the id in a JSON text, digit by digit. */
const rawId = (text: string): string | undefined => /"id":(\d+)/.exec(text)?.[1];

function api(path: string, authorization: string, form?: Record<string, string>): Promise<Response> {
  return fetch(`${sandbox.url}/kapi.kakao.com${path}`, {
    headers: { authorization },
    ...(form !== undefined && { method: 'POST', body: new URLSearchParams(form) }),
  });
}

describe('Kakao tokens', () => {
  it('equal the example in the documentation of Kakao', async () => {
    const answer = await exchange(sandbox, 'kakao', await codeFor(sandbox, 'kakao'));
    expect(answer.headers.get('content-type')).toBe('application/json;charset=UTF-8');
    expect(await answer.json()).toMatchObject({
      token_type: 'bearer',
      expires_in: 21599,
      refresh_token_expires_in: 5183999,
      scope: 'account_email profile_nickname profile_image openid',
    });
  });

  it('include an id_token if the request has no scope', async () => {
    const { id_token: idToken = '' } = await tokensFor(sandbox, 'kakao', 'mina', { scope: undefined });
    expect(decodeJwt(idToken)).toMatchObject({ iss: 'https://kauth.kakao.com', aud: 'sandbox-client' });
  });

  it('include no id_token if the scope lacks openid', async () => {
    const tokens = await tokensFor(sandbox, 'kakao', 'mina', { scope: 'account_email' });
    expect(tokens).not.toHaveProperty('id_token');
  });

  it('have an address in the id_token only if it is valid and verified', async () => {
    const { id_token: good = '' } = await tokensFor(sandbox, 'kakao', 'mina');
    const { id_token: bad = '' } = await tokensFor(sandbox, 'kakao', 'unverified');
    expect(decodeJwt(good)).toHaveProperty('email', 'mina@kakao.example');
    expect(decodeJwt(bad)).not.toHaveProperty('email');
  });

  it('are refreshed without a new refresh token', async () => {
    const { refresh_token: refreshToken = '' } = await tokensFor(sandbox, 'kakao');
    const answer = await exchange(sandbox, 'kakao', '', {
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
    });
    const tokens = (await answer.json()) as TokenAnswer;
    expect(tokens).not.toHaveProperty('refresh_token');
    expect((await profile(sandbox, 'kakao', tokens.access_token)).status).toBe(200);
  });
});

describe('refusals of Kakao', () => {
  it.each<[string, Record<string, string | undefined>, number, string, string | undefined]>([
    ['no secret', { client_secret: undefined }, 401, 'invalid_client', 'KOE010'],
    ['a wrong secret', { client_secret: 'x' }, 401, 'invalid_client', 'KOE010'],
    ['an unknown client', { client_id: 'x' }, 401, 'invalid_client', 'KOE101'],
    ['another redirect_uri', { redirect_uri: 'http://localhost/x' }, 400, 'invalid_grant', 'KOE303'],
    ['no verifier', { code_verifier: undefined }, 400, 'invalid_grant', undefined],
    ['a wrong verifier', { code_verifier: 'w'.repeat(43) }, 400, 'invalid_grant', undefined],
    ['no refresh token', { grant_type: 'refresh_token' }, 400, 'invalid_grant', 'KOE319'],
    [
      'a wrong refresh token',
      { grant_type: 'refresh_token', refresh_token: 'x' },
      400,
      'invalid_grant',
      'KOE322',
    ],
  ])('cover %s', async (_what, changes, status, error, code) => {
    const answer = await exchange(sandbox, 'kakao', await codeFor(sandbox, 'kakao'), changes);
    expect(answer.status).toBe(status);
    const body = (await answer.json()) as TokenAnswer;
    expect([body.error, body.error_code]).toEqual([error, code]);
  });

  it('cover a code that was used, with the code in the text (replay)', async () => {
    const code = await codeFor(sandbox, 'kakao');
    await exchange(sandbox, 'kakao', code);
    const answer = await exchange(sandbox, 'kakao', code);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual({
      error: 'invalid_grant',
      error_description: `authorization code not found for code=${code}`,
      error_code: 'KOE320',
    });
  });

  it('cover a wrong secret, with a WWW-Authenticate header', async () => {
    const answer = await exchange(sandbox, 'kakao', 'DUMMY', { client_secret: 'x' });
    expect(answer.headers.get('www-authenticate')).toBeTruthy();
  });

  it('cover credentials in a Basic header', async () => {
    const answer = await fetch(sandbox.url + ROADS.kakao.token, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from('sandbox-client:sandbox-secret').toString('base64')}`,
      },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code: 'DUMMY',
        client_id: 'sandbox-client',
      }),
    });
    expect(await answer.json()).toHaveProperty('error_code', 'KOE010');
  });

  it('cover a client secret while the feature is off', async () => {
    const without = await startSandbox({ port: 0, smtpPort: 0, clientSecret: '' });
    try {
      const sent = await exchange(without, 'kakao', 'DUMMY');
      expect(await sent.json()).toHaveProperty('error_code', 'KOE010');
      const code = await codeFor(without, 'kakao');
      expect((await exchange(without, 'kakao', code, { client_secret: undefined })).status).toBe(200);
    } finally {
      await without.close();
    }
  });

  it('cover an access token that is unknown or in the query', async () => {
    const { access_token: accessToken } = await tokensFor(sandbox, 'kakao');
    const inQuery = await fetch(`${sandbox.url}${ROADS.kakao.profile}?access_token=${accessToken}`);
    for (const answer of [inQuery, await profile(sandbox, 'kakao', 'unknown')]) {
      expect(answer.status).toBe(401);
      expect(await answer.json()).toEqual({ msg: 'this access token does not exist', code: -401 });
    }
  });

  it('cover the OIDC profile for a token without openid', async () => {
    const { access_token: token } = await tokensFor(sandbox, 'kakao', 'mina', { scope: 'account_email' });
    const answer = await api('/v1/oidc/userinfo', `Bearer ${token}`);
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ code: -402, required_scopes: ['openid'] });
  });
});

describe('Kakao personas', () => {
  it('include Mina, an ordinary account with her nickname under kakao_account only', async () => {
    const { id, properties, kakao_account: account } = await profileOf('mina');
    expect(id).toBeGreaterThan(2 ** 53);
    expect(properties).toBeUndefined();
    expect(account).toMatchObject({
      profile: {
        nickname: '김미나',
        is_default_nickname: false,
        profile_image_url: 'http://example.com/avatars/mina.png',
      },
      email_needs_agreement: false,
      is_email_valid: true,
      is_email_verified: true,
      email: 'mina@kakao.example',
    });
  });

  it.each([
    ['big-id', '9007199254740992'],
    ['big-id-neighbour', '9007199254740993'],
  ])('include %s with its id as raw digits', async (persona, digits) => {
    expect(rawId(await profileText(sandbox, 'kakao', persona))).toBe(digits);
  });

  it.each<[string, Record<string, unknown>]>([
    ['unverified', { is_email_valid: true, is_email_verified: false }],
    ['masked', { is_email_valid: false, is_email_verified: true, email: 'ka***@kakao.com' }],
    ['string-flags', { is_email_valid: 'true', is_email_verified: 'true' }],
    ['default-nickname', { profile: { nickname: '닉네임을 등록해주세요', is_default_nickname: true } }],
    ['no-email', { email_needs_agreement: true }],
    ['no-email-account', { has_email: false, email_needs_agreement: false }],
  ])('include %s with its special members', async (persona, members) => {
    expect((await profileOf(persona)).kakao_account).toMatchObject(members);
  });

  it.each(['no-email', 'no-email-account'])('include %s without an address', async (persona) => {
    expect((await profileOf(persona)).kakao_account).not.toHaveProperty('email');
  });

  it('include legacy-properties with the nickname in properties only', async () => {
    const profile = await profileOf('legacy-properties');
    expect(profile.properties).toHaveProperty('nickname', '문옛날');
    expect(profile).not.toHaveProperty('kakao_account');
  });

  it('include bare with an id alone', async () => {
    expect(Object.keys(await profileOf('bare'))).toEqual(['id']);
  });

  it('have https pictures if the request asks for secure resources', async () => {
    const { access_token: token } = await tokensFor(sandbox, 'kakao');
    const answer = await api('/v2/user/me?secure_resource=true', `Bearer ${token}`);
    expect(await answer.text()).toContain('"https://example.com/avatars/mina.png"');
  });

  it('have the same members in OIDC, with the id as a string', async () => {
    const { access_token: token } = await tokensFor(sandbox, 'kakao', 'big-id-neighbour');
    const answer = await api('/v1/oidc/userinfo', `Bearer ${token}`);
    expect(await answer.json()).toMatchObject({ sub: '9007199254740993', email_verified: true });
  });
});

describe('ending a Kakao connection', () => {
  it('unlinks by access token, and ends the token', async () => {
    const { access_token: token } = await tokensFor(sandbox, 'kakao', 'big-id-neighbour');
    const answer = await api('/v1/user/unlink', `Bearer ${token}`, {});
    expect(await answer.text()).toBe('{"id":9007199254740993}');
    expect((await profile(sandbox, 'kakao', token)).status).toBe(401);
  });

  it('unlinks by admin key, and reports no connection the second time', async () => {
    const { access_token: token } = await tokensFor(sandbox, 'kakao', 'big-id');
    const form = { target_id_type: 'user_id', target_id: '9007199254740992' };
    expect((await api('/v1/user/unlink', 'KakaoAK sandbox-admin-key', form)).status).toBe(200);
    expect((await profile(sandbox, 'kakao', token)).status).toBe(401);
    const again = await api('/v1/user/unlink', 'KakaoAK sandbox-admin-key', form);
    expect(again.status).toBe(400);
    expect(await again.json()).toHaveProperty('code', -101);
  });

  it('refuses a wrong admin key', async () => {
    const { access_token: token } = await tokensFor(sandbox, 'kakao', 'big-id');
    const form = { target_id_type: 'user_id', target_id: '9007199254740992' };
    expect((await api('/v1/user/unlink', 'KakaoAK wrong', form)).status).toBe(401);
    expect((await profile(sandbox, 'kakao', token)).status).toBe(200);
  });

  it('ends the tokens on logout, and keeps the connection', async () => {
    const { access_token: token } = await tokensFor(sandbox, 'kakao', 'big-id');
    await api('/v1/user/logout', `Bearer ${token}`, {});
    expect((await profile(sandbox, 'kakao', token)).status).toBe(401);
    const form = { target_id_type: 'user_id', target_id: '9007199254740992' };
    expect((await api('/v1/user/unlink', 'KakaoAK sandbox-admin-key', form)).status).toBe(200);
  });

  it('records refused consent in the consent list', async () => {
    const { access_token: token } = await tokensFor(sandbox, 'kakao', 'no-email');
    const answer = await api('/v2/user/scopes', `Bearer ${token}`);
    const { scopes } = (await answer.json()) as { scopes: { id: string; agreed: boolean }[] };
    expect(scopes.map(({ id, agreed }) => [id, agreed])).toEqual([
      ['profile_nickname', true],
      ['profile_image', true],
      ['account_email', false],
    ]);
  });
});
