import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { KeyRing } from '../../../src/auth/keys/key-ring.js';
import { SigningKeys } from '../../../src/auth/keys/signing-keys.js';
import { OneTimeTokens } from '../../../src/auth/local/one-time-tokens.js';
import { DerivedKeys } from '../../../src/crypto/derived-keys.js';
import { openSession, signedIn } from '../../support/fixtures/actors.js';
import { startApp, type TestApp } from '../../support/fixtures/app.js';
import { PostgresServer } from '../../support/servers/postgres-server.js';
import { describeWith } from '../../support/programs.js';
import { SERVER_MAIN } from '../../support/servers/server-process.js';

const SECRET = 'kX9vQ2mN7pL4rT8wZ1yB6cD3fG5hJ0aS';
const NEW_SECRET = 'Zq7uW3eR5tY1iO9pA2sD4fG6hJ8kL0xC';

describeWith('postgres', 'signing keys, on two processes', () => {
  let server: PostgresServer;
  let apps: TestApp[] = [];
  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(async () => {
    await stopAll();
    await server.stop();
  });
  const start = async (secret = SECRET): Promise<TestApp> => {
    const app = await startApp({
      DATABASE_URL: server.url,
      AUTH_SECRET: secret,
      ...(apps[0] && { PUBLIC_URL: apps[0].config.publicUrl }),
    });
    apps.push(app);
    return app;
  };
  const stopAll = async () => {
    await Promise.all(apps.map((app) => app.stop()));
    apps = [];
  };
  // Each test begins with one key, on the processes of the previous test unless it has stopped them.
  beforeEach(async () => {
    if (apps.length > 0) return refreshAll();
    await start();
    await start();
  });
  afterEach(() => server.sql('DELETE FROM auth.signing_keys'));

  const first = () => apps[0] as TestApp;
  const second = () => apps[1] as TestApp;
  const keysOf = (app: TestApp) => app.daemun.app.get(SigningKeys, { strict: false });
  const ring = () => new KeyRing(first().database, new DerivedKeys(first().config));
  const refreshAll = () => Promise.all(apps.map((app) => keysOf(app).refresh()));
  const kids = async (app = first()) => {
    const answer = await fetch(`${app.url}/.well-known/jwks.json`);
    return ((await answer.json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);
  };
  /** Advances the clock of the keys. */
  const pass = async (seconds: number) => {
    await first().database.query(
      'UPDATE auth.signing_keys SET use_from = use_from - make_interval(secs => $1)',
      [seconds],
    );
    await refreshAll();
  };
  const token = (app = first()) => openSession(app);
  const me = async (accessToken: string, app = first()) =>
    (await fetch(`${app.url}/users/me`, { headers: { authorization: `Bearer ${accessToken}` } })).status;

  it('from a process with a clock ahead are used by the other processes at once', async () => {
    await pass(-60);
    const { accessToken } = await token(second());
    expect(await me(accessToken, second())).toBe(200);
  });

  it('rotate once a month, once for all processes, and are published before they sign', async () => {
    const [old] = await kids();
    await first().database.query(`UPDATE auth.signing_keys SET use_from = use_from - interval '30 days'`);
    await refreshAll();
    await refreshAll();
    for (const app of apps) {
      expect(await kids(app)).toEqual([old, expect.any(String)]);
      expect(keysOf(app).current().kid).toBe(old);
    }
    await pass(601);
    for (const app of apps) expect(keysOf(app).current().kid).toBe((await kids())[1]);
  });

  it('keep issued tokens valid through a rotation', async () => {
    const { accessToken } = await token();
    expect(await me(accessToken)).toBe(200);
    await ring().rotate();
    await pass(601);
    for (const app of apps) expect(await me(accessToken, app)).toBe(200);
  });

  it('are loaded at once by a process that meets a token with an unknown key id', async () => {
    await keysOf(second()).refresh();
    await ring().rotate();
    await first().database.query(`UPDATE auth.signing_keys SET use_from = use_from - interval '11 minutes'`);
    await keysOf(first()).refresh();
    const { accessToken } = await token(first());
    // At least a second after its last query for keys.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect(await me(accessToken, second())).toBe(200);
  });

  it('are deleted when the last token that they signed has expired', async () => {
    const [old] = await kids();
    await ring().rotate();
    await pass(601);
    await pass(86_000);
    expect(await kids()).toContain(old);
    await pass(1_000);
    expect(await kids()).not.toContain(old);
  });

  it('invalidate the tokens that they signed when they are killed, also cached tokens', async () => {
    const { accessToken, refreshToken } = await token();
    for (const app of apps) expect(await me(accessToken, app)).toBe(200);
    expect(await ring().kill(keysOf(first()).current().kid)).toBe(true);
    await refreshAll();
    for (const app of apps) expect(await me(accessToken, app)).toBe(401);
    const answer = await fetch(`${second().url}/auth/refresh`, {
      method: 'POST',
      headers: { cookie: `refresh=${refreshToken}` },
    });
    const { accessToken: renewed } = (await answer.json()) as { accessToken: string };
    for (const app of apps) expect(await me(renewed, app)).toBe(200);
  });

  it('keep mailed links valid through a rotation', async () => {
    const { id: accountId } = await signedIn(first());
    const issue = first().daemun.app.get(OneTimeTokens, { strict: false });
    const link = await issue.issue('reset-password', { accountId, passwordHash: null, nickname: null });
    await ring().rotate();
    await pass(601);
    const redeem = second().daemun.app.get(OneTimeTokens, { strict: false });
    expect(await redeem.redeem('reset-password', link, async (grant) => grant.accountId)).toBe(accountId);
  });

  describe('and the keys command', () => {
    it('lists, creates and kills keys, and prints no secret', async () => {
      const env = { PATH: process.env['PATH'] ?? '', DATABASE_URL: server.url, AUTH_SECRET: SECRET };
      const keys = async (...parameters: string[]) =>
        (
          await promisify(execFile)(
            process.execPath,
            [SERVER_MAIN.replace('main.js', 'cli/keys.js'), ...parameters],
            { env },
          )
        ).stdout;
      const [kid = ''] = await kids();
      expect(await keys()).toMatch(new RegExp(`^  ${kid}  signs`));
      expect(await keys('rotate')).toMatch(/ {2}next {2}/);
      const left = await keys('kill', kid);
      expect(left).not.toContain(kid);
      expect(left).toMatch(/signs/);
      await expect(keys('kill', 'nonsense')).rejects.toThrow('There is no key nonsense');
      await refreshAll();
      expect(keysOf(first()).knows(kid)).toBe(false);
      expect(left).not.toMatch(/eyJ|"d"/);
    }, 60_000);
  });

  describe('at a change of AUTH_SECRET', () => {
    afterEach(stopAll);

    it('are re-encrypted under a new AUTH_SECRET, and no session ends', async () => {
      const { refreshToken } = await token();
      await stopAll();
      const between = await start(`${NEW_SECRET},${SECRET}`);
      const answer = await fetch(`${between.url}/auth/refresh`, {
        method: 'POST',
        headers: { cookie: `refresh=${refreshToken}` },
      });
      expect(answer.status).toBe(200);
      const cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? '';
      await stopAll();
      const after = await start(NEW_SECRET);
      expect((await fetch(`${after.url}/auth/refresh`, { method: 'POST', headers: { cookie } })).status).toBe(
        200,
      );
    });

    it('remain usable in all processes during a rolling rotation of AUTH_SECRET', async () => {
      const steps = [SECRET, `${SECRET},${NEW_SECRET}`, `${NEW_SECRET},${SECRET}`];
      const refresh = async (app: TestApp, cookie: string) => {
        // Each process issues a successor, which uses its first secret.
        await first().database.query('UPDATE auth.sessions SET rotated_at = 0');
        const answer = await fetch(`${app.url}/auth/refresh`, { method: 'POST', headers: { cookie } });
        expect(answer.status).toBe(200);
        const { accessToken } = (await answer.json()) as { accessToken: string };
        for (const each of apps) expect(await me(accessToken, each)).toBe(200);
        return answer.headers.getSetCookie()[0]?.split(';')[0] ?? '';
      };
      let cookie = `refresh=${(await token()).refreshToken}`;
      for (const secret of steps.slice(1)) {
        // The processes restart in turn. In between, both versions serve requests, and either may restart.
        await apps.pop()?.stop();
        await start(secret);
        for (const app of [...apps, ...apps]) cookie = await refresh(app, cookie);
        await apps.shift()?.stop();
        await start(secret);
        for (const app of [...apps, ...apps]) cookie = await refresh(app, cookie);
      }
    });
  });
});
