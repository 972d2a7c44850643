import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';
import { AccessTokens } from '../src/auth/access-tokens.js';
import { json, signedIn } from './support/actors.js';
import { startApp, type TestApp } from './support/app.js';
import { describeWith, find } from './support/programs.js';

/** Verifies a token as another service does, with a clock that is some seconds behind. Arguments: keys, token, issuer, seconds. */
const PYJWT = `
import sys, json, datetime, jwt, jwt.api_jwt as api
keys, token, issuer, behind = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
real = datetime.datetime
class Behind(real):
    @classmethod
    def now(cls, tz=None): return real.now(tz) - datetime.timedelta(seconds=behind)
api.datetime = Behind
key = jwt.PyJWKSet.from_dict(json.loads(keys)).keys[0].key
claims = jwt.decode(token, key, algorithms=['ES256'], audience='daemun:api', issuer=issuer, options={'require': ['exp', 'iat', 'sub', 'aud', 'iss']})
print(claims['sub'])
`;

let app: TestApp;
let keys: JSONWebKeySet;
let token: string;
let accountId: string;
beforeAll(async () => {
  app = await startApp();
  keys = await json<JSONWebKeySet & Record<string, unknown>>(fetch(`${app.url}/.well-known/jwks.json`));
  const mina = await signedIn(app);
  accountId = mina.id;
  token = app.daemun.app
    .get(AccessTokens, { strict: false })
    .issue({ accountId, sessionId: mina.id, roles: ['user'] });
});
afterAll(() => app.stop());

describe('a new access token at a service whose clock is behind', () => {
  it.each([0, 1, 2, 4])('is valid for jose without a leeway: %d s', async (behind) => {
    const { payload } = await jwtVerify(token, createLocalJWKSet(keys), {
      issuer: app.config.publicUrl,
      audience: 'daemun:api',
      typ: 'at+jwt',
      maxTokenAge: 3600,
      currentDate: new Date(Date.now() - behind * 1000),
    });
    expect(payload.sub).toBe(accountId);
  });
});

describeWith('pyjwt', 'a new access token at a service in Python whose clock is behind', () => {
  it.each([0, 1, 2, 4])('is valid for PyJWT without a leeway: %d s', async (behind) => {
    const { stdout } = await promisify(execFile)(find('pyjwt') ?? '', [
      '-c',
      PYJWT,
      JSON.stringify(keys),
      token,
      app.config.publicUrl,
      String(behind),
    ]);
    expect(stdout.trim()).toBe(accountId);
  });
});
