import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { POSTGRES_FAILURES } from '../../src/stores/postgres-failures.js';
import { failure, json, signedIn, type SignedIn } from '../support/fixtures/actors.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';
import { CertificateAuthority } from '../support/servers/certificates.js';
import { PostgresServer } from '../support/servers/postgres-server.js';
import { describeWith, find } from '../support/programs.js';
import { ServerProcess } from '../support/servers/server-process.js';
import { until } from '../support/until.js';

const AUTH_SECRET = randomBytes(32).toString('base64');

/** Starts the application on a database. Writes and reads values that depend on the settings of a session. */
async function use(url: string, env: Record<string, string> = {}): Promise<Record<string, unknown>> {
  const app = await startApp({ DATABASE_URL: url, AUTH_SECRET, ...env });
  try {
    const mina = await signedIn(app, { roles: ['user', 'admin'] });
    const { createdAt } = await json(mina.call('GET', '/users/me'));
    await mina.call('POST', '/boards', { slug: 'here', title: 'Here' });
    const post = { title: '봄날의 대문', body: '한글과 😀' };
    const made = await mina.call('POST', '/boards/here/posts', post);
    const { body } = await json(mina.call('GET', made.headers.get('location') ?? ''));
    const found = await json<{ items: unknown[] }>(mina.call('GET', '/boards/here/posts?q=봄날'));
    const sessions = await mina.call('GET', '/auth/sessions');
    const age = Math.abs(Date.now() - Date.parse(String(createdAt)));
    return {
      body,
      found: found.items.length,
      sessions: sessions.status,
      ready: (await fetch(`${app.url}/health/ready`)).status,
      clock: age < 60_000,
    };
  } finally {
    await app.stop();
  }
}
const WORKS = { body: '한글과 😀', found: 1, sessions: 200, ready: 200, clock: true };

/** Server of the suite, without TLS. */
let server: PostgresServer;
let made = 0;
beforeAll(async () => {
  if (find('postgres') === undefined) return;
  server = await PostgresServer.start({ settings: { listen_addresses: '127.0.0.1,::1' } });
});
afterAll(() => server?.stop());

/** Creates a database with these settings. Returns its URL. */
async function databaseWith(...settings: string[]): Promise<string> {
  const name = `d${++made}`;
  await server.sql(`CREATE DATABASE ${name}`, ...settings.map((set) => `ALTER DATABASE ${name} SET ${set}`));
  return as(server, 'daemun', name);
}
const as = (server: PostgresServer, user: string, database: string) =>
  `postgres://${user}@127.0.0.1:${server.port}/${database}`;

describeWith('postgres', 'a database whose encoding cannot store every text', () => {
  it.each(['EUC_KR', 'SQL_ASCII', 'LATIN1'])('is refused at start with the remedy: %s', async (encoding) => {
    const name = `d${++made}`;
    await server.sql(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING '${encoding}' LOCALE 'C'`);
    await expect(startApp({ DATABASE_URL: as(server, 'daemun', name) })).rejects.toThrow(
      `a database in ${encoding}, which cannot store every text. Create one in UTF-8 and name that: CREATE DATABASE daemun ENCODING 'UTF8'`,
    );
  });
});

describeWith('postgres', 'the defaults of a database', () => {
  it.each(
    [
      [
        'default_transaction_isolation = serializable',
        'default_transaction_deferrable = on',
        "DateStyle = 'German'",
        "IntervalStyle = 'iso_8601'",
        "TimeZone = 'Asia/Seoul'",
        "bytea_output = 'escape'",
        'extra_float_digits = -15',
        'standard_conforming_strings = off',
        "search_path = 'pg_temp, public, pg_catalog'",
        "client_encoding = 'LATIN1'",
      ],
      [
        "default_transaction_isolation = 'repeatable read'",
        "DateStyle = 'SQL, DMY'",
        "TimeZone = 'America/St_Johns'",
        "search_path = ''",
        'jit = on',
        'array_nulls = off',
        'row_security = off',
      ],
      ["statement_timeout = '250ms'", "idle_session_timeout = '1s'"],
      ["lock_timeout = '1ms'", "idle_in_transaction_session_timeout = '1ms'"],
    ].map((settings) => [settings.join('; '), settings] as const),
  )('have no effect: %s', async (_, settings) => {
    expect(await use(await databaseWith(...settings))).toEqual(WORKS);
  });

  it.each(['C', 'C.UTF-8'])('have no effect on a search in the locale %s', async (locale) => {
    const name = `d${++made}`;
    await server.sql(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8' LOCALE '${locale}'`);
    const app = await startApp({ DATABASE_URL: as(server, 'daemun', name) });
    const admin = await signedIn(app, { roles: ['user', 'admin'] });
    await admin.call('POST', '/boards', { slug: 'here', title: 'Here' });
    await admin.call('POST', '/boards/here/posts', { title: 'ÉCOLE МОСКВА', body: 'naïve' });
    for (const q of ['école', 'москва', 'NAÏVE']) {
      const found = await json<{ items: unknown[] }>(
        admin.call('GET', `/boards/here/posts?q=${encodeURIComponent(q)}`),
      );
      expect([q, found.items.length]).toEqual([q, 1]);
    }
    await app.stop();
  });

  it('of SERIALIZABLE fail none of several parallel requests', async () => {
    const url = await databaseWith('default_transaction_isolation = serializable');
    const app = await startApp({ DATABASE_URL: url });
    const admin = await signedIn(app, { roles: ['user', 'admin'] });
    await admin.call('POST', '/boards', { slug: 'here', title: 'Here' });
    const made = await admin.call('POST', '/boards/here/posts', { title: 'T', body: 'B' });
    const post = made.headers.get('location') ?? '';
    const people = await Promise.all(Array.from({ length: 6 }, () => signedIn(app)));
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => people)
        .flat()
        .flatMap((person) => [
          person.call('PUT', `${post}/like`),
          person.call('POST', `${post}/comments`, { body: 'y' }),
          person.call('PATCH', '/users/me', { bio: 'z' }),
        ]),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 201]));
    await app.stop();
  });

  it.each([
    ['default_transaction_read_only = on', 'takes no writes'],
    ["session_replication_role = 'replica'", "session_replication_role TO 'origin'"],
  ])('that prevent writes are refused at start: %s', async (settings, words) => {
    const url = await databaseWith(settings);
    // A start waits for the end of a fail-over, by a clock that is twenty times as fast here.
    const now = performance.now.bind(performance);
    const begun = now();
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => begun + 20 * (now() - begun));
    await expect(startApp({ DATABASE_URL: url })).rejects.toThrow(words);
    clock.mockRestore();
  });

  it('are refused with a connection limit below DATABASE_POOL', async () => {
    await server.sql('CREATE ROLE few LOGIN CONNECTION LIMIT 5', 'CREATE DATABASE few OWNER few');
    await expect(startApp({ DATABASE_URL: as(server, 'few', 'few') })).rejects.toThrow(
      'DATABASE_POOL is 10, and the server lets this user have at most 5 connections',
    );
    expect(await use(as(server, 'few', 'few'), { DATABASE_POOL: '3' })).toEqual(WORKS);
  });

  it('work with the smallest DATABASE_POOL', async () => {
    expect(await use(await databaseWith(), { DATABASE_POOL: '2' })).toEqual(WORKS);
  });

  describe('a role with restricted privileges', () => {
    const role = async (...grants: string[]): Promise<string> => {
      const name = `role${++made}`;
      await server.sql(`CREATE ROLE ${name} LOGIN`, `CREATE DATABASE ${name}`);
      for (const grant of grants) await onDatabase(name, grant.replaceAll('ROLE', name));
      return as(server, name, name);
    };
    const onDatabase = async (name: string, statement: string): Promise<void> => {
      const { Client } = await import('pg');
      const client = new Client({ connectionString: as(server, 'daemun', name) });
      await client.connect();
      await client.query(statement);
      await client.end();
    };

    it('starts with CREATE on the database and none in public', async () => {
      const url = await role('GRANT ALL ON DATABASE ROLE TO ROLE', 'REVOKE ALL ON SCHEMA public FROM PUBLIC');
      expect(await use(url)).toEqual(WORKS);
    });

    it('starts with the privileges of docs/compatibility.md', async () => {
      const page = readFileSync('docs/compatibility.md', 'utf8');
      const statements = Array.from(
        page.matchAll(/^(?:REVOKE|GRANT) .*(?=;$)/gm),
        ([statement]) => statement,
      );
      expect(statements).toHaveLength(2);
      const url = await role(...statements.map((statement) => statement.replaceAll('daemun', 'ROLE')));
      await expect(use(url)).resolves.toEqual(WORKS);
    });

    it('starts with schemas that an administrator created for it', async () => {
      const schemas = ['auth', 'profile', 'board', 'daemun'];
      const url = await role(...schemas.map((schema) => `CREATE SCHEMA ${schema} AUTHORIZATION ROLE`));
      expect(await use(url)).toEqual(WORKS);
    });

    it('is refused without CREATE, with the remedy', async () => {
      const { message } = await startFailure(await role());
      expect(message).toBe(
        'The database cannot be used (permission_denied, 42501). The user in DATABASE_URL lacks a privilege: it has to own ' +
          'the schemas auth, profile, board and daemun, or have CREATE on the database; and row-level security must not apply to it.',
      );
    });

    it('leaves a schema of the same name of another application unchanged', async () => {
      const url = await role(
        'CREATE SCHEMA auth',
        'CREATE TABLE auth.users ()',
        'GRANT ALL ON DATABASE ROLE TO ROLE',
      );
      const { message } = await startFailure(url);
      expect(message).toContain('another application has auth.users. Give Daemun a database of its own');
    });
  });

  it.each([
    ['an unknown database', 'daemun', 'nowhere', 'database_missing, 3D000'],
    ['an unknown user', 'nobody', 'postgres', 'login_refused, 28000'],
  ])('%s is refused at start, without a stack', async (_, user, database, words) => {
    const { message } = await startFailure(as(server, user, database));
    expect(message).toContain(words);
    expect(message).not.toMatch(/^\s+at /m);
  });
});

/** Returns the error output of a process that could not start. */
async function startFailure(url: string, env: Record<string, string> = {}): Promise<{ message: string }> {
  const { explain } = await import('../../src/stores/explain.js');
  try {
    await startApp({ DATABASE_URL: url, ...env });
  } catch (error) {
    return { message: explain(error) };
  }
  throw new Error('it started');
}

describeWith('postgres', 'the database URL', () => {
  it('may have an IPv6 address', async () => {
    const url = (await databaseWith()).replace('127.0.0.1', '[::1]');
    expect(await use(url)).toEqual(WORKS);
  });

  it('may have the folder of a Unix socket', async () => {
    const { pathname } = new URL(await databaseWith());
    expect(await use(server.socketUrl.replace('/postgres?', `${pathname}?`))).toEqual(WORKS);
  });

  it('may have parameters of other clients', async () => {
    const parameters = 'sslmode=disable&pgbouncer=true&connection_limit=1&channel_binding=prefer';
    expect(await use(`${await databaseWith()}?${parameters}`)).toEqual(WORKS);
  });
});

describeWith(['postgres', 'openssl'], 'a database with a certificate of a private CA', () => {
  let ca: CertificateAuthority;
  let server: PostgresServer;
  beforeAll(async () => {
    ca = new CertificateAuthority();
    server = await PostgresServer.start({ certificate: ca.issue('localhost') });
  });
  afterAll(async () => {
    await server.stop();
    ca.remove();
  });
  const url = (query: string) => `postgres://daemun@localhost:${server.port}/postgres?${query}`;

  it('is refused if the CA is unknown, with both ways to trust it', async () => {
    const { message } = await startFailure(url('sslmode=verify-full'));
    expect(message).toMatch(/DATABASE_URL.*sslrootcert.*NODE_EXTRA_CA_CERTS/s);
  });

  it('is accepted with sslrootcert in the URL', async () => {
    expect(await use(url(`sslmode=verify-full&sslrootcert=${ca.cert}`))).toEqual(WORKS);
  });

  describe('from a process', () => {
    const start = (env: Record<string, string> = {}) =>
      ServerProcess.start({
        DATABASE_URL: url('sslmode=verify-full'),
        OAUTH_SANDBOX_URL: 'http://127.0.0.1:9',
        MAIL_URL: 'smtp://127.0.0.1:9',
        AUTH_SECRET,
        ...env,
      });

    it('is accepted with NODE_EXTRA_CA_CERTS', async () => {
      const process = await start({ NODE_EXTRA_CA_CERTS: ca.cert });
      expect((await fetch(`${process.url}/health/ready`)).status).toBe(200);
      await process.stop();
    });

    it('is refused with the explanation and without a stack', async () => {
      const output = await start().then(
        () => 'it started',
        ({ message }: Error) => message,
      );
      const [line = '', ...more] = output
        .split('\n')
        .filter((each) => !each.includes('"the database cannot be used"'));
      expect(line).toContain('Daemun could not start. The database cannot be used (certificate_not_trusted');
      expect(more.join('')).toBe('');
    });
  });

  it('is refused for a host outside the certificate', async () => {
    const { message } = await startFailure(
      `postgres://daemun@127.0.0.1:${server.port}/postgres?sslmode=verify-full&sslrootcert=${ca.cert}`,
    );
    expect(message).toMatch(/certificate/);
  });

  it('is refused without TLS, with a hint at sslmode', async () => {
    const { message } = await startFailure(url('sslmode=disable'));
    expect(message).toContain('sslmode');
  });

  it('is refused if the file in sslrootcert is missing, with the parameter', async () => {
    await expect(startApp({ DATABASE_URL: url('sslrootcert=/nowhere/ca.crt') })).rejects.toThrow(
      'DATABASE_URL: sslrootcert names a file that cannot be read',
    );
  });

  it.each([
    ['a CA file without certificates', (dir: string) => `sslrootcert=${dir}/text.pem`, 'sslrootcert must'],
    ['a folder as the CA file', (dir: string) => `sslrootcert=${dir}`, 'sslrootcert names'],
    [
      'a certificate with the key of another certificate',
      (dir: string) => `sslcert=${ca.cert}&sslkey=${dir}/text.pem`,
      'sslcert and sslkey must',
    ],
    ['an unknown mode', () => 'sslmode=sometimes', 'sslmode must be one of'],
  ])('is refused with %s, with the parameter', async (_, query, words) => {
    const dir = mkdtempSync(join(tmpdir(), 'daemun-test-'));
    writeFileSync(join(dir, 'text.pem'), 'no certificate');
    await expect(startApp({ DATABASE_URL: url(query(dir)) })).rejects.toThrow(`DATABASE_URL: ${words}`);
    rmSync(dir, { recursive: true });
  });
});

describeWith('postgres', 'an error of the database while the server runs', () => {
  let app: TestApp;
  let mina: SignedIn;
  beforeAll(async () => {
    app = await startApp({ DATABASE_URL: server.url });
    mina = await signedIn(app);
    await server.sql(
      'CREATE SCHEMA test',
      'CREATE SEQUENCE test.calls',
      `CREATE FUNCTION test.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         IF pg_catalog.nextval('test.calls') > TG_ARGV[1]::int THEN RETURN NEW; END IF;
         RAISE EXCEPTION USING ERRCODE = TG_ARGV[0], MESSAGE = 'a failure';
       END $$`,
    );
  });
  afterAll(() => app.stop());
  /** Makes the given number of profile changes fail with this SQLSTATE. */
  const fail = (sqlstate: string, times: number) =>
    server.sql(
      "SELECT setval('test.calls', 1, false)",
      'DROP TRIGGER IF EXISTS fail ON profile.profiles',
      `CREATE TRIGGER fail BEFORE UPDATE ON profile.profiles FOR EACH ROW EXECUTE FUNCTION test.fail('${sqlstate}', ${times})`,
    );
  const change = () => mina.call('PATCH', '/users/me', { bio: 'x' });
  const codes = Object.keys(POSTGRES_FAILURES).map((code) => code.padEnd(5, '0'));

  it.each([...codes, 'P0001', 'HV000', '99999'])(
    'is answered 503, not as unexpected: SQLSTATE %s',
    async (sqlstate) => {
      await fail(sqlstate, 100);
      const answer = await change();
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(await failure(answer)).toEqual({ status: 503, code: 'temporarily_unavailable' });
    },
  );

  it.each(['40001', '40P01'])('is retried after a rollback by the server: %s', async (sqlstate) => {
    await fail(sqlstate, 2);
    expect((await change()).status).toBe(200);
  });

  it('with a lost privilege makes the process unready until it is granted again', async () => {
    await server.sql('DROP TRIGGER fail ON profile.profiles');
    await server.sql('CREATE ROLE plain LOGIN', 'CREATE DATABASE plain OWNER plain');
    const url = as(server, 'plain', 'plain');
    const other = await startApp({ DATABASE_URL: url });
    const ready = async () => json(fetch(`${other.url}/health/ready`));
    await other.database.query('REVOKE INSERT ON auth.sessions FROM plain');
    await until(async () => (await ready())['status'] === 'unavailable');
    expect(await ready()).toEqual({
      status: 'unavailable',
      stores: { postgres: 'down' },
      reasons: { postgres: 'permission_denied' },
    });
    await other.database.query('GRANT INSERT ON auth.sessions TO plain');
    await until(async () => (await ready())['status'] === 'ok');
    await other.stop();
  });
});
