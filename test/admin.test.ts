import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { promisify } from 'node:util';
import { Account } from '../src/auth/account.entity.js';
import { grantAdmin } from '../src/auth/grant-admin.js';
import { Sessions } from '../src/auth/sessions/sessions.js';
import { anonymous, signedIn } from './support/actors.js';
import { startApp, type TestApp } from './support/app.js';
import { makeDataDir } from './support/data-dir.js';

let app: TestApp;
let dataDir: string;
beforeAll(async () => {
  dataDir = makeDataDir();
  app = await startApp({ DATA_DIR: dataDir });
});
afterAll(async () => {
  await app.stop();
  rmSync(dataDir, { recursive: true });
});

/** The roles of a new account after `grantAdmin` was asked for it, and what that said. */
async function granted(
  account: Partial<Account>,
  who: (id: string) => string,
): Promise<{ said: boolean; roles: string[] }> {
  const { id } = await signedIn(app);
  const accounts = app.database.getRepository(Account);
  await accounts.update({ id }, account);
  const said = await grantAdmin(app.database, who(id));
  const { roles } = await accounts.findOneByOrFail({ id });
  return { said, roles };
}

describe('making someone an admin', () => {
  it('finds the account by its verified address, however that is written', async () => {
    const account = { email: 'mina@example.com', emailVerifiedAt: new Date() };
    expect(await granted(account, () => ' Mina@Example.com ')).toEqual({
      said: true,
      roles: ['user', 'admin'],
    });
  });

  it('finds the account by its id', async () => {
    expect(await granted({ roles: ['user'] }, (id) => id)).toEqual({ said: true, roles: ['user', 'admin'] });
  });

  it('changes nothing about someone who is one', async () => {
    const account = { roles: ['admin', 'user'] };
    expect(await granted(account, (id) => id)).toEqual({ said: true, roles: ['admin', 'user'] });
  });

  it('does not believe an address that nobody has verified', async () => {
    const account = { email: 'boss@example.com' };
    expect(await granted(account, () => 'boss@example.com')).toEqual({ said: false, roles: ['user'] });
  });

  it.each(['nobody@example.com', '', '%', randomUUID()])('finds nobody by %j', async (who) => {
    expect(await granted({ roles: ['user'] }, () => who)).toEqual({ said: false, roles: ['user'] });
  });

  it('takes effect at the next refresh', async () => {
    const mina = await signedIn(app);
    const board = { slug: 'by-mina', title: "Mina's" };
    expect((await mina.call('POST', '/boards', board)).status).toBe(403);
    await grantAdmin(app.database, mina.id);
    const { refreshToken } = await app.daemun.app
      .get(Sessions, { strict: false })
      .open({ accountId: mina.id, roles: ['user'], method: 'google', ip: '127.0.0.1', userAgent: undefined });
    const refreshed = await anonymous(app)('POST', '/auth/refresh', undefined, {
      cookie: `refresh=${refreshToken}`,
    });
    const { accessToken } = (await refreshed.json()) as { accessToken: string };
    const authorization = `Bearer ${accessToken}`;
    expect((await anonymous(app)('POST', '/boards', board, { authorization })).status).toBe(201);
  });
});

describe('the command', () => {
  /** Beside what `npm run build` makes, so that a Daemun that runs from there is left alone. */
  const BUILT = 'dist/admin-test';
  const command = { exitCode: 0, stdout: '', stderr: '' };

  async function admin(...args: string[]): Promise<typeof command> {
    const env = { PATH: process.env['PATH'], DATA_DIR: dataDir };
    return promisify(execFile)(process.execPath, [`${BUILT}/src/admin.js`, ...args], { env }).then(
      ({ stdout, stderr }) => ({ exitCode: 0, stdout, stderr }),
      ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
        exitCode: code,
        stdout,
        stderr,
      }),
    );
  }

  beforeAll(async () => {
    const build = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--outDir', BUILT];
    await promisify(execFile)(process.execPath, build);
  });
  afterAll(() => rmSync(BUILT, { recursive: true }));

  it('says how it is used', async () => {
    expect(await admin()).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: expect.stringContaining('npm run admin -- '),
    });
  });

  it('asks to stop a Daemun that uses the embedded database', async () => {
    expect(await admin('mina@example.com')).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `Daemun is running on the embedded database (process ${process.pid}). Stop it, run this again, then start it.\n`,
    });
  });

  it('grants the role on the embedded database, and says so', async () => {
    const { id } = await signedIn(app);
    await app.stop();
    const { exitCode, stdout } = await admin(id);
    app = await startApp({ DATA_DIR: dataDir });
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: `${id} is an admin now.\n`,
    });
    expect(await app.database.getRepository(Account).findOneByOrFail({ id })).toMatchObject({
      roles: ['user', 'admin'],
    });
  });

  it('fails when there is no such account', async () => {
    await app.stop();
    const { exitCode, stderr } = await admin('nobody@example.com');
    app = await startApp({ DATA_DIR: dataDir });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('There is no account nobody@example.com.');
  });
});
