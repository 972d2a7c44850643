import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';
import { AccessTokens } from '../../src/auth/sessions/access-tokens.js';
import { Sessions } from '../../src/auth/sessions/sessions.js';
import { json, signedIn } from '../support/fixtures/actors.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';
import { PostgresServer } from '../support/servers/postgres-server.js';
import { describeWith, find } from '../support/programs.js';
import { ServerProcess } from '../support/servers/server-process.js';

/** Verifies a token as a service whose clock is the given number of seconds behind. Arguments: keys, token, issuer, seconds. */
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
  it.each([0, 1, 2, 4])('is valid for jose without leeway when the clock is %d s behind', async (behind) => {
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

describeWith('postgres', 'a process whose clock is 5 s ahead', () => {
  it('gives a new access token no role that was revoked while clocks differ', async () => {
    const postgres = await PostgresServer.start();
    const AUTH_SECRET = randomBytes(32).toString('base64');
    const env = { DATABASE_URL: postgres.url, AUTH_SECRET, REVOCATION_POLL_SECONDS: '1' };
    const here = await startApp(env);
    const preload = 'const { now } = Date; Date.now = () => now() + 5_000;';
    const ahead = await ServerProcess.start({
      ...env,
      NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(preload)}`,
      PUBLIC_URL: here.url,
      OAUTH_SANDBOX_URL: 'http://127.0.0.1:9',
      MAIL_URL: 'smtp://127.0.0.1:9',
    });
    try {
      const { id } = await signedIn(here, { roles: ['user', 'admin'] });
      const { refreshToken } = await here.daemun.app
        .get(Sessions, { strict: false })
        .open({ accountId: id, roles: ['user', 'admin'], method: 'kakao' });
      const { accessToken } = await json<{ accessToken: string }>(
        fetch(`${ahead.url}/auth/refresh`, {
          method: 'POST',
          headers: { cookie: `refresh=${refreshToken}` },
        }),
      );
      let boards = 0;
      const makeBoard = async () => {
        const answer = await fetch(`${here.url}/boards`, {
          method: 'POST',
          headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
          body: JSON.stringify({ slug: `board-${++boards}`, title: 'A board' }),
        });
        await answer.text();
        return answer.status;
      };
      expect(await makeBoard()).toBe(201);
      await here.database.query(`UPDATE auth.accounts SET roles = '{user}' WHERE id = $1`, [id]);
      const learnt = Date.now() + 10_000;
      let status = 201;
      while (status === 201 && Date.now() < learnt) status = await makeBoard();
      expect(status).toBe(401);
    } finally {
      await ahead.kill();
      await here.stop();
      await postgres.stop();
    }
  });
});

describeWith('pyjwt', 'a new access token at a service in Python whose clock is behind', () => {
  it.each([0, 1, 2, 4])('is valid for PyJWT without leeway when the clock is %d s behind', async (behind) => {
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
