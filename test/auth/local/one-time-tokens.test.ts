import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeJwt, decodeProtectedHeader, SignJWT, type JWTPayload } from 'jose';
import { AccessTokenVerifier } from '../../../src/access/access-token-verifier.js';
import { SigningKeys } from '../../../src/auth/keys/signing-keys.js';
import { OneTimeTokens } from '../../../src/auth/local/one-time-tokens.js';
import { startApp, type TestApp } from '../../support/fixtures/app.js';
import { Mailbox } from '../../support/servers/mailbox.js';
import { post, register, tokenIn, verifiedPerson } from '../../support/fixtures/people.js';

let mailbox: Mailbox;
let app: TestApp;
beforeAll(async () => {
  mailbox = await Mailbox.open();
  app = await startApp({ MAIL_URL: mailbox.url });
});
afterAll(async () => {
  await app.stop();
  await mailbox.close();
});

const verify = (token: string) => post(app, '/auth/verify-email', { token });

let people = 0;
/** A token that has not been used. */
async function freshToken(): Promise<{ token: string; email: string }> {
  const email = `person${++people}@example.com`;
  return {
    email,
    token: tokenIn(await register(app, mailbox, { email, password: 'a password', nickname: 'P P' })),
  };
}

/** Expects the token to be refused, and the genuine token to remain valid. */
async function expectRefusal(forged: string, real?: string): Promise<void> {
  const response = await verify(forged);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ code: 'token_invalid' });
  expect(response.headers.get('set-cookie')).toBeNull();
  if (real !== undefined) expect((await verify(real)).status).toBe(200);
}

/** Returns the token with other claims, header or key. */
async function again(
  token: string,
  { claims = {}, header = {}, key }: { claims?: JWTPayload; header?: object; key?: KeyObject | Uint8Array },
): Promise<string> {
  const jwt = new SignJWT({ ...decodeJwt(token), ...claims });
  jwt.setProtectedHeader({ alg: 'ES256', ...decodeProtectedHeader(token), ...header });
  return jwt.sign(key ?? app.daemun.app.get(SigningKeys).current().privateKey);
}

describe('a mailed one-time token', () => {
  it('works only once', async () => {
    const { token } = await freshToken();
    expect((await verify(token)).status).toBe(200);
    await expectRefusal(token);
  });

  it('works once in twenty parallel requests', async () => {
    const { token, email } = await freshToken();
    const answers = await Promise.all(Array.from({ length: 20 }, () => verify(token)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 400)).toHaveLength(19);
    const sessions = await app.database.query(
      'SELECT s.id FROM auth.sessions s JOIN auth.accounts a ON a.id = s.account_id WHERE a.email = $1',
      [email],
    );
    expect(sessions).toHaveLength(1);
  });

  it('works alone among several tokens for one address, also in parallel', async () => {
    const { token, email } = await freshToken();
    const others = [];
    for (const password of ['password two', 'password three']) {
      others.push(tokenIn(await register(app, mailbox, { email, password, nickname: 'P P' })));
    }
    const answers = await Promise.all([token, ...others].map(verify));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 400, 400]);
  });

  it('is refused after one day', async () => {
    const { token, email } = await freshToken();
    await app.database.query(
      `UPDATE auth.one_time_tokens SET expires_at = now() - interval '1 second'
       WHERE account_id = (SELECT id FROM auth.accounts WHERE email = $1)`,
      [email],
    );
    await expectRefusal(token);
  });

  it('expires one day after it was issued', async () => {
    const { exp = 0, iat = 0 } = decodeJwt((await freshToken()).token);
    expect(exp - iat).toBe(24 * 3600);
  });

  it('is not stored in the database', async () => {
    const { token } = await freshToken();
    const rows = JSON.stringify(
      await app.database.query("SELECT encode(jti_hash, 'escape'), * FROM auth.one_time_tokens"),
    );
    const { jti = '' } = decodeJwt(token);
    expect(jti.length).toBeGreaterThanOrEqual(22);
    expect(rows).not.toContain(jti);
  });

  it('contains no personal data', async () => {
    const { token, email } = await freshToken();
    expect(Object.keys(decodeJwt(token)).toSorted()).toEqual(['aud', 'exp', 'iat', 'iss', 'jti', 'sub']);
    expect(JSON.stringify(decodeJwt(token))).not.toContain(email);
  });

  it('is issued after expired tokens are deleted', async () => {
    const { email } = await freshToken();
    const count = () =>
      app.database.query<{ id: string }[]>(
        `SELECT t.jti_hash FROM auth.one_time_tokens t JOIN auth.accounts a ON a.id = t.account_id WHERE a.email = $1`,
        [email],
      );
    await app.database.query("UPDATE auth.one_time_tokens SET expires_at = now() - interval '1 second'");
    await register(app, mailbox, { email, password: 'another one', nickname: 'P P' });
    expect(await count()).toHaveLength(1);
  });
});

describe('redeeming a token', () => {
  it('runs its work once in parallel requests', async () => {
    const { token } = await freshToken();
    const tokens = app.daemun.app.get(OneTimeTokens);
    let done = 0;
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, () => tokens.redeem('verify-email', token, async () => ++done)),
    );
    expect(done).toBe(1);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('leaves the token valid when the work fails', async () => {
    const { token } = await freshToken();
    const tokens = app.daemun.app.get(OneTimeTokens);
    const failing = tokens.redeem('verify-email', token, () => Promise.reject(new Error('no luck')));
    await expect(failing).rejects.toThrow('no luck');
    expect((await verify(token)).status).toBe(200);
  });
});

describe('a forged one-time token', () => {
  it('is refused when its signature is missing (alg none)', async () => {
    const { token } = await freshToken();
    const [, payload] = token.split('.');
    const { kid } = decodeProtectedHeader(token);
    const header = Buffer.from(JSON.stringify({ alg: 'none', typ: 'verify-email+jwt', kid })).toString(
      'base64url',
    );
    await expectRefusal(`${header}.${payload}.`, token);
  });

  it('is refused when it is signed with the public key as a shared secret (HS256)', async () => {
    const { token } = await freshToken();
    const { publicKey } = {
      publicKey: createPublicKey(app.daemun.app.get(SigningKeys).current().privateKey),
    };
    const pem = Buffer.from(publicKey.export({ type: 'spki', format: 'pem' }));
    await expectRefusal(await again(token, { header: { alg: 'HS256' }, key: pem }), token);
  });

  it('is refused when another key signed it', async () => {
    const { token } = await freshToken();
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await expectRefusal(await again(token, { key: privateKey }), token);
  });

  it.each<[string, { claims?: JWTPayload; header?: object }]>([
    ['its key is unknown', { header: { kid: 'unknown' } }],
    ['its key is not named', { header: { kid: undefined } }],
    ['it is of another type', { header: { typ: 'at+jwt' } }],
    ['it has critical extensions', { header: { crit: ['b64'], b64: true } }],
    ['it is for another audience', { claims: { aud: 'daemun:api' } }],
    ['it is from another issuer', { claims: { iss: 'https://other.example' } }],
    ['it has expired', { claims: { exp: Math.floor(Date.now() / 1000) - 1 } }],
    ['its jti was never issued', { claims: { jti: 'A'.repeat(32) } }],
    ['it has no jti', { claims: { jti: undefined } }],
    ['it is for another account', { claims: { sub: '01900000-0000-7000-8000-000000000000' } }],
    ['it is for no account', { claims: { sub: 'nobody' } }],
  ])('is refused despite a valid signature: %s', async (_, change) => {
    const { token } = await freshToken();
    await expectRefusal(await again(token, change), token);
  });

  it.each([
    ['not a JWT', 'abc'],
    ['empty', ''],
    ['a JWT of a JSON null', 'bnVsbA.bnVsbA.AAAA'],
    ['oversized', 'a.'.repeat(20_000)],
  ])('is refused as malformed: %s', async (_, token) => {
    await expectRefusal(token);
  });

  it('is refused by its schema when it contains NUL', async () => {
    const response = await verify('a\0b');
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'validation_failed' });
  });
});

describe('tokens of different kinds', () => {
  it('are not interchangeable: an access token does not verify an address', async () => {
    const { email, password } = await verifiedPerson(app, mailbox, 'kinds');
    const logIn = await post(app, '/auth/login', { email, password });
    const { accessToken } = (await logIn.json()) as { accessToken: string };
    await expectRefusal(accessToken);
  });

  it('are not interchangeable: a mailed token opens no guarded route', async () => {
    const { token } = await freshToken();
    const verifier = app.daemun.app.get(AccessTokenVerifier);
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'access_token_invalid' });
  });
});
