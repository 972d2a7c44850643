import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { PasswordHashes } from '../../../src/auth/local/password-hashes.js';
import { failure } from '../../support/fixtures/actors.js';
import { startApp, type TestApp } from '../../support/fixtures/app.js';
import { Mailbox } from '../../support/servers/mailbox.js';
import { post, verifiedPerson } from '../../support/fixtures/people.js';
import { PostgresServer } from '../../support/servers/postgres-server.js';
import { describeWith } from '../../support/programs.js';
import { until } from '../../support/until.js';

describeWith('postgres', 'reauthentication by password', () => {
  const POOL = 2;
  let server: PostgresServer;
  let mailbox: Mailbox;
  let app: TestApp;
  beforeAll(async () => {
    server = await PostgresServer.start();
    mailbox = await Mailbox.open();
    app = await startApp({ MAIL_URL: mailbox.url, DATABASE_URL: server.url, DATABASE_POOL: String(POOL) });
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });
  afterAll(async () => {
    await app.stop();
    await mailbox.close();
    await server.stop();
  });

  const hashesOf = ({ daemun }: TestApp) => daemun.app.get(PasswordHashes, { strict: false });
  async function loggedIn(name: string) {
    const { email, password } = await verifiedPerson(app, mailbox, name);
    const session = await post(app, '/auth/login', { email, password });
    const { accessToken } = (await session.json()) as { accessToken: string };
    return {
      email,
      password,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${accessToken}` },
    };
  }

  it.each(['/auth/account', '/auth/identities/kakao'])(
    'holds no pooled database connection while it waits for a hash at DELETE %s',
    async (path) => {
      const { headers } = await loggedIn(`owner-${path.length}`);
      const hashes = hashesOf(app);
      const compare = hashes.matches.bind(hashes);
      let compared = 0;
      let goOn: () => void = () => {};
      const queue = new Promise<void>((resolve) => (goOn = resolve));
      jest.spyOn(hashes, 'matches').mockImplementation(async (...parameters) => {
        compared++;
        await queue;
        return compare(...parameters);
      });
      const deletions = Array.from({ length: 2 * POOL }, async () => {
        const body = JSON.stringify({ password: 'a wrong guess' });
        return (await failure(fetch(app.url + path, { method: 'DELETE', headers, body }))).code;
      });
      await until(() => compared === deletions.length);
      expect((await fetch(`${app.url}/users/me`, { headers })).status).toBe(200);
      goOn();
      expect(new Set(await Promise.all(deletions))).toEqual(new Set(['credentials_invalid']));
    },
  );

  it('is refused if the password changed between the comparison and the account’s lock', async () => {
    const { email, password, headers } = await loggedIn('changed');
    const hashes = hashesOf(app);
    const compare = hashes.matches.bind(hashes);
    jest.spyOn(hashes, 'matches').mockImplementation(async (...parameters) => {
      const same = await compare(...parameters);
      await app.database.query('UPDATE auth.accounts SET password_hash = $1 WHERE email = $2', [
        await hashes.hash('another password'),
        email,
      ]);
      return same;
    });
    const answer = await failure(
      fetch(`${app.url}/auth/account`, { method: 'DELETE', headers, body: JSON.stringify({ password }) }),
    );
    expect(answer.code).toBe('credentials_invalid');
    expect(await app.database.query('SELECT status FROM auth.accounts WHERE email = $1', [email])).toEqual([
      { status: 'active' },
    ]);
  });
});
