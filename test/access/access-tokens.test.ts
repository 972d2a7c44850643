import { createPublicKey, generateKeyPairSync, randomBytes, randomUUID, type KeyObject } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeJwt, decodeProtectedHeader, SignJWT, type JWTHeaderParameters } from 'jose';
import { CLOCK_SKEW_S } from '../../src/access/access-token.js';
import { AccessTokens } from '../../src/auth/sessions/access-tokens.js';
import { SigningKeys } from '../../src/auth/keys/signing-keys.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';

let app: TestApp;
let ours: { kid: string; privateKey: KeyObject };
beforeAll(async () => {
  app = await startApp();
  ours = app.daemun.app.get(SigningKeys, { strict: false }).current();
});
afterAll(() => app.stop());

const actor = { accountId: randomUUID(), sessionId: randomUUID(), roles: ['user'] };
const issue = () => app.daemun.app.get(AccessTokens, { strict: false }).issue(actor);
const now = () => Math.floor(Date.now() / 1000);

/** Claims of a valid token. Each case changes a single claim. */
const goodClaims = () => ({
  iss: app.config.publicUrl,
  sub: actor.accountId,
  aud: 'daemun:api',
  exp: now() + 60,
  nbf: now() - CLOCK_SKEW_S,
  iat: now() - CLOCK_SKEW_S,
  jti: randomBytes(16).toString('base64url'),
  sid: actor.sessionId,
  roles: ['user'],
});
function sign(
  claims: object,
  header: Partial<JWTHeaderParameters> = {},
  key: KeyObject = ours.privateKey,
): Promise<string> {
  return new SignJWT({ ...claims })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: ours.kid, ...header })
    .sign(key);
}
/** Any guarded route serves: the guard responds before the route runs. */
const call = (authorization?: string) =>
  fetch(`${app.url}/users/me`, { headers: authorization === undefined ? {} : { authorization } });
async function codeFor(token: string): Promise<unknown> {
  return ((await (await call(`Bearer ${token}`)).json()) as { code: unknown }).code;
}

describe('an issued access token', () => {
  it('has a header with its type, algorithm and key id', () => {
    expect(decodeProtectedHeader(issue())).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: ours.kid });
  });

  it('carries the seven registered claims, the session and the roles, and nothing else', () => {
    const claims = decodeJwt(issue());
    expect(Object.keys(claims).toSorted()).toEqual([
      'aud',
      'exp',
      'iat',
      'iss',
      'jti',
      'nbf',
      'roles',
      'sid',
      'sub',
    ]);
    expect(claims).toMatchObject({
      sub: actor.accountId,
      sid: actor.sessionId,
      roles: ['user'],
      iss: app.config.publicUrl,
    });
  });

  it('expires ACCESS_TOKEN_TTL seconds after it was issued, or slightly earlier', () => {
    const { exp = 0, iat = 0 } = decodeJwt(issue());
    const lifetime = exp - (iat + CLOCK_SKEW_S);
    expect(lifetime).toBeLessThanOrEqual(app.config.accessTokenTtlS);
    expect(lifetime).toBeGreaterThanOrEqual(0.95 * app.config.accessTokenTtlS);
  });

  it('is at most 1 KB long', () => {
    expect(issue().length).toBeLessThanOrEqual(1024);
    expect(() =>
      app.daemun.app
        .get(AccessTokens, { strict: false })
        .issue({ ...actor, roles: Array(100).fill('some-long-role') }),
    ).toThrow('too many roles');
  });

  it('is accepted by a guarded route', async () => {
    const response = await call(`Bearer ${issue()}`);
    expect(response.status).not.toBe(401);
  });

  it('is accepted again from the cache of verified tokens', async () => {
    const token = issue();
    await call(`Bearer ${token}`);
    expect((await call(`bearer ${token}`)).status).not.toBe(401);
  });
});

describe('a request without an access token', () => {
  it.each([
    ['no Authorization header', undefined, 'access_token_missing', 'Bearer realm="daemun"'],
    ['another scheme', 'Basic bWluYTpzZWNyZXQ=', 'access_token_invalid', 'error="invalid_token"'],
    ['an empty token', 'Bearer ', 'access_token_invalid', 'error="invalid_token"'],
  ])('is refused with a WWW-Authenticate challenge: %s', async (_, authorization, code, challenge) => {
    const response = await call(authorization);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toContain(challenge);
    expect(await response.json()).toMatchObject({ code });
  });
});

describe('an invalid access token', () => {
  const otherKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const { privateKey: rsa } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');

  it('has a problem code that differs from that of an expired token', async () => {
    expect(await codeFor(await sign({ ...goodClaims(), exp: now() - 1 }))).toBe('access_token_expired');
  });

  it('is not reported as expired when its signature is wrong too', async () => {
    expect(await codeFor(await sign({ ...goodClaims(), exp: now() - 1 }, {}, otherKey))).toBe(
      'access_token_invalid',
    );
  });

  it.each<[string, () => Promise<string> | string]>([
    ['signed by another key under our key id', () => sign(goodClaims(), {}, otherKey)],
    ['with an unknown key id', () => sign(goodClaims(), { kid: 'unknown' })],
    ['without a key id', () => sign(goodClaims(), { kid: undefined })],
    ['with critical extensions', () => sign(goodClaims(), { crit: ['b64'], b64: true })],
    [
      'with its own key in the header',
      () => sign(goodClaims(), { jwk: createPublicKey(otherKey).export({ format: 'jwk' }) }, otherKey),
    ],
    [
      'with its own key in the header, and an unknown key id',
      () =>
        sign(
          goodClaims(),
          { kid: 'unknown', jwk: createPublicKey(otherKey).export({ format: 'jwk' }) },
          otherKey,
        ),
    ],
    ['of another type', () => sign(goodClaims(), { typ: 'JWT' })],
    ['of no type', () => sign(goodClaims(), { typ: undefined })],
    ['with another algorithm', () => sign(goodClaims(), { alg: 'RS256' }, rsa)],
    [
      'without an algorithm',
      () => `${encode({ alg: 'none', typ: 'at+jwt', kid: ours.kid })}.${encode(goodClaims())}.`,
    ],
    [
      'signed with the public key as an HMAC secret',
      async () => {
        const [publicJwk] = app.daemun.app.get(SigningKeys, { strict: false }).jwks().keys;
        return new SignJWT(goodClaims())
          .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: ours.kid })
          .sign(Buffer.from(JSON.stringify(publicJwk)));
      },
    ],
    ['from another issuer', () => sign({ ...goodClaims(), iss: 'https://evil.example' })],
    ['for another audience', () => sign({ ...goodClaims(), aud: 'daemun:verify-email' })],
    ['for several audiences', () => sign({ ...goodClaims(), aud: ['daemun:api', 'other'] })],
    ['not valid yet', () => sign({ ...goodClaims(), nbf: now() + 60 })],
    ['with an expiry in milliseconds', () => sign({ ...goodClaims(), exp: Date.now() + 60_000 })],
    ['with an expiry that is text', () => sign({ ...goodClaims(), exp: String(now() + 60) })],
    ['with roles that are text', () => sign({ ...goodClaims(), roles: 'admin' })],
    [
      'with a changed claim',
      async () => {
        const [header, , signature] = (await sign(goodClaims())).split('.');
        return `${header}.${encode({ ...goodClaims(), roles: ['admin'] })}.${signature}`;
      },
    ],
    ['longer than any of ours', () => sign({ ...goodClaims(), more: 'x'.repeat(4000) })],
    ['that is no JWT', () => 'abc'],
    ['that is a JWT of nothing', () => '..'],
  ])('is refused: an access token %s', async (_, make) => {
    expect(await codeFor(await make())).toBe('access_token_invalid');
  });

  it('is accepted from a process whose clock is 30 s ahead', async () => {
    const ahead = now() + 30 - CLOCK_SKEW_S;
    expect(await codeFor(await sign({ ...goodClaims(), iat: ahead, nbf: ahead }))).not.toBe(
      'access_token_invalid',
    );
  });

  it.each(['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'sid', 'roles'] as const)(
    'is refused: an access token without the claim %s',
    async (claim) => {
      const { [claim]: _, ...rest } = goodClaims();
      expect(await codeFor(await sign(rest))).toBe('access_token_invalid');
    },
  );

  it('is never written to the log', async () => {
    const token = await sign(goodClaims(), {}, otherKey);
    await codeFor(token);
    expect(JSON.stringify(app.log)).not.toContain(token.slice(-40));
  });
});

describe('the JWKS', () => {
  it('contains public keys without their private halves', async () => {
    const response = await fetch(`${app.url}/.well-known/jwks.json`);
    const { keys } = (await response.json()) as { keys: object[] };
    expect(keys).toEqual([
      {
        kty: 'EC',
        crv: 'P-256',
        alg: 'ES256',
        use: 'sig',
        kid: ours.kid,
        x: expect.any(String),
        y: expect.any(String),
      },
    ]);
  });

  it('may be cached', async () => {
    const { headers } = await fetch(`${app.url}/.well-known/jwks.json`);
    expect(headers.get('cache-control')).toBe('public, max-age=300');
  });

  it('comes from private keys that are stored encrypted', async () => {
    const [row] = await app.database.query<[{ private_jwe: string }]>(
      'SELECT private_jwe FROM auth.signing_keys',
    );
    expect(row.private_jwe.split('.')).toHaveLength(5);
    expect(row.private_jwe).not.toContain(ours.privateKey.export({ format: 'jwk' }).d);
  });
});
