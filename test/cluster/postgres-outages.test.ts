import { randomBytes } from 'node:crypto';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { explain } from '../../src/stores/explain.js';
import { poolOf } from '../../src/database/postgres-pool.js';
import { failure, json, openSession, signedIn } from '../support/fixtures/actors.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';
import { postgresFailureOf } from '../../src/stores/postgres-failures.js';
import { FailOverProxy } from '../support/servers/fail-over-proxy.js';
import { PostgresServer } from '../support/servers/postgres-server.js';
import { describeWith } from '../support/programs.js';
import { until } from '../support/until.js';

const AUTH_SECRET = randomBytes(32).toString('base64');

const readiness = async ({ url }: TestApp) =>
  json<{ status: string; reasons?: { postgres?: string } }>(fetch(`${url}/health/ready`));
const reasonOf = async (app: TestApp) => (await readiness(app)).reasons?.postgres;
const refresh = (app: TestApp, token: string) =>
  fetch(`${app.url}/auth/refresh`, { method: 'POST', headers: { cookie: `refresh=${token}` } });

/** A server that sends the given response to the first bytes of each connection. */
async function answering(reply: string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {}).once('data', () => socket.write(reply, 'latin1'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
const portOf = (server: Server) => (server.address() as AddressInfo).port;

const MYSQL = 'J\0\0\0\n8.0.36\0';
const HTTP = 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n';

describeWith('postgres', 'a database address that leads elsewhere while the server runs', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(() => server.stop());

  it.each([
    ['MySQL', MYSQL, 'not_postgresql'],
    // The client takes this response for the beginning of a long message.
    ['an HTTP server', HTTP, 'connection_lost'],
  ])('to %s causes 503 and makes the process unready', async (_, reply, reason) => {
    const other = await answering(reply);
    const proxy = await FailOverProxy.before(server.port);
    const app = await startApp({
      DATABASE_URL: `postgres://daemun@127.0.0.1:${proxy.address}/postgres`,
      AUTH_SECRET,
    });
    const mina = await signedIn(app);
    proxy.failOver(portOf(other));
    await until(async () => (await mina.call('GET', '/users/me')).status !== 200);
    expect(await failure(mina.call('GET', '/users/me'))).toEqual({
      status: 503,
      code: 'temporarily_unavailable',
    });
    expect(await reasonOf(app)).toBe(reason);
    proxy.failOver(server.port);
    await until(async () => (await readiness(app)).status === 'ok');
    await app.stop();
    await proxy.stop();
    other.close();
  });

  it('logs every readiness probe that fails', async () => {
    const own = await PostgresServer.start();
    const app = await startApp({ DATABASE_URL: own.socketUrl });
    await own.crash();
    await until(async () => (await readiness(app)).status === 'unavailable');
    const { status, headers } = await fetch(`${app.url}/health/ready`);
    const reqId = headers.get('x-request-id');
    await until(() => app.log.some((line) => line.reqId === reqId));
    expect(app.log.filter((line) => line.reqId === reqId)).toMatchObject([
      { method: 'GET', route: '/health/ready', status },
    ]);
    expect(status).toBe(503);
    await app.stop();
    await own.stop();
  });

  it('to a missing Unix socket causes 503 and makes the process unready', async () => {
    const own = await PostgresServer.start();
    const app = await startApp({ DATABASE_URL: own.socketUrl });
    const mina = await signedIn(app);
    await own.crash();
    await until(async () => (await mina.call('GET', '/users/me')).status !== 200);
    expect((await mina.call('GET', '/users/me')).status).toBe(503);
    await until(async () => (await reasonOf(app)) === 'unreachable');
    await app.stop();
    await own.stop();
  });
});

describeWith('postgres', 'a database connection that ends between two statements of a transaction', () => {
  it('is answered 503, as an outage', async () => {
    const server = await PostgresServer.start();
    const app = await startApp({ DATABASE_URL: server.url, AUTH_SECRET });
    const transaction = app.database.transaction(async (db) => {
      const [{ pid }] = await db.query<[{ pid: number }]>('SELECT pg_backend_pid() AS pid');
      await server.sql(`SELECT pg_terminate_backend(${pid}, 5000)`);
      await sleep(100);
      await db.query('SELECT 1');
    });
    const reason = await transaction.catch((error: unknown) => postgresFailureOf(error)?.reason);
    await app.stop();
    await server.stop();
    expect(reason).toBe('connection_lost');
  });
});

describeWith('postgres', 'a database connection that ends while it is idle', () => {
  it('does not end the process', async () => {
    const server = await PostgresServer.start();
    const app = await startApp({ DATABASE_URL: server.url, AUTH_SECRET });
    const client = await poolOf(app.database).connect();
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const ended = new Promise<void>((resolve) => client.once('end', resolve));
    await server.sql(`SELECT pg_terminate_backend(${rows[0]?.pid})`);
    await ended;
    const reason = await client.query('SELECT 1').catch((error: unknown) => postgresFailureOf(error)?.reason);
    client.release();
    await app.stop();
    await server.stop();
    expect(reason).toBe('connection_lost');
  });
});

describe('a start with the address of another service', () => {
  it.each([['another protocol', MYSQL]])('is refused with the setting: %s', async (_, reply) => {
    const other = await answering(reply);
    const url = `postgres://daemun@127.0.0.1:${portOf(other)}/postgres`;
    const refusal = await startApp({ DATABASE_URL: url }).catch((error: unknown) => explain(error));
    expect(refusal).toMatch(/^The database cannot be used \(not_postgresql.*DATABASE_URL:.*host and port/);
    other.close();
  });
});

describeWith('postgres', 'an outage of database tables', () => {
  let server: PostgresServer;
  let app: TestApp;
  beforeAll(async () => {
    server = await PostgresServer.start();
    await server.sql('CREATE ROLE plain LOGIN', 'CREATE DATABASE plain OWNER plain');
    app = await startApp({ DATABASE_URL: `postgres://plain@127.0.0.1:${server.port}/plain` });
  });
  afterAll(async () => {
    await app.stop();
    await server.stop();
  });
  const sql = async (...statements: string[]) => {
    const client = new Client({ host: '127.0.0.1', port: server.port, user: 'daemun', database: 'plain' });
    await client.connect();
    for (const statement of statements) await client.query(statement);
    return client;
  };
  const open: Client[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((client) => client.end()));
    await until(async () => (await readiness(app)).status === 'ok');
  });

  it.each(['auth.sessions', 'auth.accounts'])(
    'by row-level security on %s ends no session',
    async (table) => {
      const { refreshToken: token } = await openSession(app);
      const client = await sql(`ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`);
      open.push(client);
      const answer = await refresh(app, token);
      expect([answer.status, answer.headers.getSetCookie()]).toEqual([503, []]);
      await until(async () => (await reasonOf(app)) === 'permission_denied');
      await client.query(`ALTER TABLE ${table} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY`);
      expect((await refresh(app, token)).status).toBe(200);
    },
  );

  it.each([
    ['ACCESS EXCLUSIVE', 'auth.sessions'],
    ['SHARE', 'auth.accounts'],
  ])('by a lock (%s on %s) makes the process unready', async (mode, table) => {
    open.push(await sql('BEGIN', `LOCK TABLE ${table} IN ${mode} MODE`));
    await until(async () => (await reasonOf(app)) === 'object_in_use');
  });

  it('by a lock on posts leaves the process ready', async () => {
    open.push(await sql('BEGIN', 'LOCK TABLE board.posts IN SHARE MODE'));
    await sleep(1_000);
    expect((await readiness(app)).status).toBe('ok');
  });

  it('by a revoked privilege on the schema makes the process unready', async () => {
    const client = await sql('REVOKE USAGE ON SCHEMA board FROM plain');
    open.push(client);
    await until(async () => (await reasonOf(app)) === 'permission_denied');
    await client.query('GRANT USAGE ON SCHEMA board TO plain');
  });

  describe('by a full disk, simulated by a trigger,', () => {
    let admin: Client;
    beforeAll(async () => {
      admin = await sql(
        `CREATE FUNCTION profile.disk_full() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'the disk is full' USING ERRCODE = '53100'; END $$`,
        'GRANT EXECUTE ON FUNCTION profile.disk_full() TO plain',
        'CREATE TRIGGER disk_full BEFORE UPDATE ON profile.profiles FOR EACH ROW EXECUTE FUNCTION profile.disk_full()',
      );
    });
    afterAll(async () => {
      await admin.query('DROP FUNCTION profile.disk_full() CASCADE');
      await admin.end();
    });

    it('makes the process unready, also right after the repair of another failure', async () => {
      const mina = await signedIn(app);
      await admin.query('REVOKE ALL ON daemun.readiness_probes FROM plain');
      await until(async () => (await reasonOf(app)) === 'permission_denied');
      await admin.query('GRANT ALL ON daemun.readiness_probes TO plain');
      expect((await mina.call('PATCH', '/users/me', { bio: 'x' })).status).toBe(503);
      await until(async () => (await reasonOf(app)) !== 'permission_denied');
      expect(await reasonOf(app)).toBe('disk_full');
    });
  });

  it('by an outdated sequence of audit events makes the process unready', async () => {
    const { refreshToken: token } = await openSession(app);
    const client = await sql('ALTER SEQUENCE auth.audit_events_id_seq RESTART WITH 1');
    open.push(client);
    const headers = { cookie: `refresh=${token}` };
    const logOut = () => fetch(`${app.url}/auth/logout`, { method: 'POST', headers });
    expect((await logOut()).status).toBe(503);
    await until(async () => (await reasonOf(app)) === 'audit_events_refused');
    await client.query("SELECT setval('auth.audit_events_id_seq', (SELECT max(id) FROM auth.audit_events))");
    expect((await logOut()).status).toBe(204);
  });

  it('by a dropped column makes the process unready until it is back, without requests', async () => {
    const { refreshToken: token } = await openSession(app);
    const client = await sql('ALTER TABLE auth.sessions RENAME COLUMN oldest_valid TO removed');
    open.push(client);
    expect((await refresh(app, token)).status).toBe(503);
    await until(async () => (await reasonOf(app)) === 'schema_mismatch');
    const begun = Date.now();
    const seen = new Set<string | undefined>();
    while (Date.now() - begun < 7_000) {
      seen.add(await reasonOf(app));
      await sleep(250);
    }
    expect([...seen]).toEqual(['schema_mismatch']);
    await client.query('ALTER TABLE auth.sessions RENAME COLUMN removed TO oldest_valid');
  });
});
