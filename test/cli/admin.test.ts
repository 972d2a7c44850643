import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { decodeJwt } from 'jose';
import { Account } from '../../src/auth/accounts/account.entity.js';
import { runAdminCommand } from '../../src/auth/accounts/admin-commands.js';
import { openSession, anonymous, signedIn } from '../support/fixtures/actors.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';
import { makeMigratedDataDir } from '../support/fixtures/data-dir.js';
import { PostgresServer } from '../support/servers/postgres-server.js';
import { describeWith } from '../support/programs.js';
import { RedisServer } from '../support/servers/redis-server.js';
import { SERVER_MAIN } from '../support/servers/server-process.js';

let app: TestApp;
let dataDir: string;
beforeAll(async () => {
  dataDir = await makeMigratedDataDir();
  app = await startApp({ DATA_DIR: dataDir, DATABASE_URL: '' });
});
afterAll(async () => {
  await app.stop();
  rmSync(dataDir, { recursive: true });
});

/** Returns the roles of a new account after the command grant, and the output of the command. */
async function granted(
  account: Partial<Account>,
  who: (id: string) => string,
): Promise<{ said: boolean; roles: string[] }> {
  const { id } = await signedIn(app);
  const accounts = app.database.getRepository(Account);
  await accounts.update({ id }, account);
  const said = await runAdminCommand('grant', who(id), app.database);
  const { roles } = await accounts.findOneByOrFail({ id });
  return { said, roles };
}

describe('granting the role admin', () => {
  it('finds the account by its verified address in any spelling', async () => {
    const account = { email: 'mina@example.com', emailVerifiedAt: new Date() };
    expect(await granted(account, () => ' Mina@Example.com ')).toEqual({
      said: true,
      roles: ['user', 'admin'],
    });
  });

  it('finds the account by its id', async () => {
    expect(await granted({ roles: ['user'] }, (id) => id)).toEqual({ said: true, roles: ['user', 'admin'] });
  });

  it('changes nothing for an existing admin', async () => {
    const account = { roles: ['admin', 'user'] };
    expect(await granted(account, (id) => id)).toEqual({ said: true, roles: ['admin', 'user'] });
  });

  it('ignores an unverified address', async () => {
    const account = { email: 'boss@example.com' };
    expect(await granted(account, () => 'boss@example.com')).toEqual({ said: false, roles: ['user'] });
  });

  it.each(['nobody@example.com', '', '%', randomUUID()])('finds no account by %j', async (who) => {
    expect(await granted({ roles: ['user'] }, () => who)).toEqual({ said: false, roles: ['user'] });
  });

  it('takes effect at the next refresh', async () => {
    const mina = await signedIn(app);
    const board = { slug: 'by-mina', title: "Mina's" };
    expect((await mina.call('POST', '/boards', board)).status).toBe(403);
    await runAdminCommand('grant', mina.id, app.database);
    const { refreshToken } = await openSession(app, { accountId: mina.id });
    const refreshed = await anonymous(app)('POST', '/auth/refresh', undefined, {
      cookie: `refresh=${refreshToken}`,
    });
    const { accessToken } = (await refreshed.json()) as { accessToken: string };
    const authorization = `Bearer ${accessToken}`;
    expect((await anonymous(app)('POST', '/boards', board, { authorization })).status).toBe(201);
  });
});

/** A session of an account, with its refreshes. */
async function session(on: TestApp, accountId: string, roles = ['user']) {
  let { refreshToken, accessToken } = await openSession(on, { accountId, roles });
  return {
    /** Returns the roles in the new access token, or the problem code. */
    refresh: async (): Promise<unknown> => {
      const answer = await anonymous(on)('POST', '/auth/refresh', undefined, {
        cookie: `refresh=${refreshToken}`,
      });
      const body = (await answer.json()) as { accessToken: string; code?: string };
      if (body.code !== undefined) return body.code;
      refreshToken = /^refresh=([^;]+)/.exec(answer.headers.getSetCookie()[0] ?? '')?.[1] ?? '';
      ({ accessToken } = body);
      return decodeJwt(accessToken)['roles'];
    },
    /** Returns the status of a call with the access token. */
    call: async () =>
      (await anonymous(on)('GET', '/users/me', undefined, { authorization: `Bearer ${accessToken}` })).status,
  };
}

describe('an admin command', () => {
  it('revokes the role', async () => {
    const { id } = await signedIn(app, { roles: ['user', 'admin'] });
    const mina = await session(app, id, ['user', 'admin']);
    expect(await runAdminCommand('revoke', id, app.database)).toBe(true);
    expect(await mina.refresh()).toEqual(['user']);
  });

  it('disables the account, ends its sessions for good, and enables the account again', async () => {
    const { id } = await signedIn(app);
    const [used, unused] = [await session(app, id), await session(app, id)];
    expect(await runAdminCommand('disable', id, app.database)).toBe(true);
    expect(await used.refresh()).toBe('session_ended');
    expect(await runAdminCommand('enable', id, app.database)).toBe(true);
    expect(await unused.refresh()).toBe('session_ended');
    expect(await (await session(app, id)).refresh()).toEqual(['user']);
  });

  it('is recorded in the audit trail', async () => {
    const { id } = await signedIn(app);
    await session(app, id);
    for (const order of ['grant', 'revoke', 'disable', 'enable'] as const) {
      await runAdminCommand(order, id, app.database);
    }
    const events = await app.database.query<{ kind: string; details: object }[]>(
      `SELECT kind, details FROM auth.audit_events WHERE account_id = $1 AND kind <> 'session_opened' ORDER BY id`,
      [id],
    );
    expect(events).toEqual([
      { kind: 'role_granted', details: { role: 'admin' } },
      { kind: 'role_revoked', details: { role: 'admin' } },
      { kind: 'account_disabled', details: {} },
      { kind: 'session_ended', details: { reason: 'account_disabled' } },
      { kind: 'account_enabled', details: {} },
    ]);
  });

  it.each(['grant', 'revoke', 'disable', 'enable'] as const)(
    'finds no deleted account to %s',
    async (order) => {
      const { id } = await signedIn(app);
      const deleted = { status: 'deleted', roles: [] } as const;
      await app.database.getRepository(Account).update({ id }, { ...deleted, roles: [] });
      expect(await runAdminCommand(order, id, app.database)).toBe(false);
      expect(await app.database.getRepository(Account).findOneByOrFail({ id })).toMatchObject(deleted);
    },
  );
});

const command = { exitCode: 0, stdout: '', stderr: '' };

/** Runs the command as a process, on the embedded database unless `settings` name another. */
async function admin(args: readonly string[], settings = {}): Promise<typeof command> {
  const env = { PATH: process.env['PATH'], DATA_DIR: dataDir, ...settings };
  return promisify(execFile)(process.execPath, [SERVER_MAIN.replace('main.js', 'cli/admin.js'), ...args], {
    env,
  }).then(
    ({ stdout, stderr }) => ({ exitCode: 0, stdout, stderr }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
      exitCode: code,
      stdout,
      stderr,
    }),
  );
}

describeWith(
  ['postgres', 'redis'],
  'an account changed in the database by SQL or the admin command, with Redis',
  () => {
    let [postgres, redis]: [PostgresServer?, RedisServer?] = [];
    let own: TestApp;
    beforeAll(async () => {
      [postgres, redis] = await Promise.all([PostgresServer.start(), RedisServer.start()]);
      own = await startApp({
        DATABASE_URL: postgres.url,
        REDIS_URL: redis.url,
        AUTH_SECRET: randomBytes(32).toString('base64'),
        REVOCATION_POLL_SECONDS: '1',
      });
    });
    afterAll(async () => {
      await own.stop();
      await Promise.all([postgres?.stop(), redis?.stop()]);
    });
    /** Expects the earlier access token to be refused as soon as the change is known. */
    const untilKnown = async (mina: { call: () => Promise<number> }) => {
      for (const deadline = Date.now() + 20_000; (await mina.call()) !== 401; await sleep(50)) {
        if (Date.now() > deadline) throw new Error('it never became known');
      }
    };

    it('loses its sessions when it is disabled', async () => {
      const { id } = await signedIn(own);
      const mina = await session(own, id);
      expect(await mina.refresh()).toEqual(['user']);
      await own.database.query(`UPDATE auth.accounts SET status = 'disabled' WHERE id = $1`, [id]);
      await untilKnown(mina);
      expect(await mina.refresh()).toBe('session_ended');
    });

    it('loses a role', async () => {
      const { id } = await signedIn(own, { roles: ['user', 'admin'] });
      const mina = await session(own, id, ['user', 'admin']);
      expect(await mina.refresh()).toEqual(['user', 'admin']);
      await own.database.query(`UPDATE auth.accounts SET roles = '{user}' WHERE id = $1`, [id]);
      await untilKnown(mina);
      expect(await mina.refresh()).toEqual(['user']);
    });

    it('loses its sessions when the command disables and enables it in quick succession', async () => {
      const { id } = await signedIn(own);
      const mina = await session(own, id);
      expect(await mina.refresh()).toEqual(['user']);
      await runAdminCommand('disable', id, own.database);
      await runAdminCommand('enable', id, own.database);
      await untilKnown(mina);
      expect(await mina.refresh()).toBe('session_ended');
    });

    describe('by the admin command', () => {
      const settings = () => ({ DATABASE_URL: postgres?.url });

      it('has the result of commands in sequence', async () => {
        const { id } = await signedIn(own);
        const said = [];
        for (const order of ['grant', 'revoke', 'disable', 'enable'])
          said.push((await admin([order, id], settings())).stdout);
        expect(said).toEqual([
          `${id} is an admin now.\n`,
          `${id} is no admin now.\n`,
          `${id} is disabled now.\n`,
          `${id} is enabled now.\n`,
        ]);
        expect(await own.database.getRepository(Account).findOneByOrFail({ id })).toMatchObject({
          roles: ['user'],
          status: 'active',
        });
      });

      it('that is unknown makes the command fail', async () => {
        const { exitCode, stderr } = await admin(['nobody@example.com'], settings());
        expect(exitCode).toBe(1);
        expect(stderr).toContain('There is no account nobody@example.com.');
      });
    });
  },
);

describe('the admin command', () => {
  it('prints its usage', async () => {
    expect(await admin([])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: expect.stringContaining('npm run admin -- '),
    });
  });

  it.each([[['grant']], [['grant', 'a@example.com', 'more']], [['promote', 'a@example.com']]])(
    'prints its usage for unknown arguments: %j',
    async (args) => {
      expect(await admin(args)).toMatchObject({
        exitCode: 1,
        stderr: expect.stringContaining('disable <account>'),
      });
    },
  );

  it('asks to stop a Daemun that uses the embedded database', async () => {
    expect(await admin(['mina@example.com'])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `Daemun is running on the embedded database (process ${process.pid}). Stop it, run this again, then start it.\n`,
    });
  });

  it('grants the role on the embedded database, and reports it', async () => {
    const { id } = await signedIn(app);
    await app.stop();
    const { exitCode, stdout } = await admin([id]);
    app = await startApp({ DATA_DIR: dataDir, DATABASE_URL: '' });
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: `${id} is an admin now.\n`,
    });
    expect(await app.database.getRepository(Account).findOneByOrFail({ id })).toMatchObject({
      roles: ['user', 'admin'],
    });
  });
});
