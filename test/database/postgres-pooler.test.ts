import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { explain } from '../../src/stores/explain.js';
import { poolOf } from '../../src/database/postgres-pool.js';
import { anonymous, json, openSession, signedIn } from '../support/fixtures/actors.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';
import { PgBouncer } from '../support/servers/pgbouncer.js';
import { PostgresServer } from '../support/servers/postgres-server.js';
import { describeWith } from '../support/programs.js';

const AUTH_SECRET = randomBytes(32).toString('base64');

describeWith(['postgres', 'pgbouncer'], 'behind PgBouncer in transaction mode', () => {
  let server: PostgresServer;
  let pooler: PgBouncer;
  const apps: TestApp[] = [];
  const start = async (env: Record<string, string> = {}) => {
    const app = await startApp({ DATABASE_URL: pooler.url, AUTH_SECRET, ...env });
    apps.push(app);
    return app;
  };

  beforeAll(async () => {
    server = await PostgresServer.start({ settings: { max_connections: '400' } });
    pooler = await PgBouncer.before(server.port, { default_pool_size: '4' });
  });
  afterAll(async () => {
    await Promise.all(apps.map((app) => app.stop()));
    await pooler.stop();
    await server.stop();
  });

  it('several processes can start at once on an empty database', async () => {
    const started = await Promise.all([start(), start(), start()]);
    const ready = await Promise.all(started.map(({ url }) => fetch(`${url}/health/ready`)));
    expect(ready.map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  it('every parallel refresh and profile request succeeds', async () => {
    const people = await Promise.all(
      Array.from({ length: 8 }, (_, n) => openSession(apps[n % apps.length]!)),
    );
    const statuses = await Promise.all(
      people.map(async ({ refreshToken }) => {
        const seen: number[] = [];
        let cookie = `refresh=${refreshToken}`;
        for (const { url } of [...apps, ...apps, ...apps]) {
          const refreshed = await fetch(`${url}/auth/refresh`, { method: 'POST', headers: { cookie } });
          seen.push(refreshed.status);
          cookie = refreshed.headers.getSetCookie()[0]?.split(';')[0] ?? cookie;
          const { accessToken } = await json<{ accessToken: string }>(refreshed);
          const authorization = `Bearer ${accessToken}`;
          seen.push((await fetch(`${url}/users/me`, { headers: { authorization } })).status);
        }
        return seen;
      }),
    );
    expect(new Set(statuses.flat())).toEqual(new Set([200]));
  });

  it('no connection of the pooler keeps a setting of a process', async () => {
    const { rows } = await poolOf(apps[0]!.database).query<{ setting: string }>(
      "SELECT current_setting('statement_timeout') AS setting",
    );
    expect(rows).toEqual([{ setting: '0' }]);
  });

  it('a role with a stricter isolation level is refused with the remedy', async () => {
    await server.sql("ALTER ROLE daemun SET default_transaction_isolation = 'serializable'");
    const strict = await PgBouncer.before(server.port);
    try {
      await expect(start({ DATABASE_URL: strict.url })).rejects.toThrow(
        "ALTER ROLE … SET default_transaction_isolation TO 'read committed'",
      );
    } finally {
      await server.sql('ALTER ROLE daemun RESET default_transaction_isolation');
      await strict.stop();
    }
  });

  it.each([
    ['statement mode', { pool_mode: 'statement' }, 'postgres', 'pool_mode = transaction'],
    ['no such database', {}, 'nowhere', 'a database that does not exist'],
  ])('%s is refused at start with the remedy', async (_, settings, database, remedy) => {
    const other = await PgBouncer.before(server.port, settings);
    const url = Object.assign(new URL(other.url), { pathname: `/${database}` }).href;
    const refusal = await start({ DATABASE_URL: url }).catch((error: unknown) => explain(error));
    expect(refusal).toContain(remedy);
    await other.stop();
  });

  it('rows hidden by row-level security cause 503, and end no session', async () => {
    await server.sql('CREATE ROLE plain LOGIN', 'CREATE DATABASE plain OWNER plain');
    const plain = await PgBouncer.before(server.port, {}, 'plain');
    const app = await start({ DATABASE_URL: plain.url });
    const { refreshToken } = await openSession(app);
    const alter = (action: string) => app.database.query(`ALTER TABLE auth.sessions ${action}`);
    await alter('ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY');
    const headers = { cookie: `refresh=${refreshToken}` };
    const refresh = () => fetch(`${app.url}/auth/refresh`, { method: 'POST', headers });
    expect((await refresh()).status).toBe(503);
    await alter('DISABLE ROW LEVEL SECURITY');
    expect((await refresh()).status).toBe(200);
    await app.stop();
    apps.splice(apps.indexOf(app), 1);
    await plain.stop();
  });
});

describeWith('postgres', 'a prepared statement that the server has lost', () => {
  it('is retried as an unnamed statement', async () => {
    const server = await PostgresServer.start();
    const app = await startApp({ DATABASE_URL: server.url });
    const mina = await signedIn(app);
    expect((await mina.call('GET', '/users/me')).status).toBe(200);
    const connections = await Promise.all(Array.from({ length: 10 }, () => poolOf(app.database).connect()));
    for (const connection of connections) {
      await connection.query('DEALLOCATE ALL');
      connection.release();
    }
    expect((await mina.call('GET', '/users/me')).status).toBe(200);
    expect((await anonymous(app)('GET', '/health/ready')).status).toBe(200);
    await app.stop();
    await server.stop();
  });
});
