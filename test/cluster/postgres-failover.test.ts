import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { failure, json, signedIn, type SignedIn } from '../support/fixtures/actors.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';
import { HaProxy } from '../support/servers/haproxy.js';
import { PostgresServer } from '../support/servers/postgres-server.js';
import { describeWith } from '../support/programs.js';
import { until } from '../support/until.js';

const AUTH_SECRET = randomBytes(32).toString('base64');

describeWith(
  ['postgres', 'haproxy'],
  'an address that moves to another PostgreSQL server (fail-over)',
  () => {
    let former: PostgresServer;
    let next: PostgresServer;
    let proxy: HaProxy;
    let app: TestApp;
    let mina: SignedIn;
    const change = () => mina.call('PATCH', '/users/me', { bio: 'changed' });
    const ready = async () => json<{ status: string; reasons?: unknown }>(fetch(`${app.url}/health/ready`));

    beforeAll(async () => {
      [former, next] = await Promise.all([PostgresServer.start(), PostgresServer.start()]);
      proxy = await HaProxy.start(
        (port) => `
defaults
  mode tcp
  timeout connect 2s
  timeout client 10m
  timeout server 10m
frontend postgres
  bind 127.0.0.1:${port}
  default_backend postgres
backend postgres
  server former 127.0.0.1:${former.port}
  server next 127.0.0.1:${next.port} disabled`,
      );
      const DATABASE_URL = `postgres://daemun@127.0.0.1:${proxy.port}/postgres`;
      // Both servers have the same content, like a primary and its standby.
      await (await startApp({ DATABASE_URL: next.url, AUTH_SECRET })).stop();
      app = await startApp({ DATABASE_URL, AUTH_SECRET });
      mina = await signedIn(app);
      await copyTo(next, 'profile.profiles', mina.id);
    });
    afterAll(async () => {
      await app.stop();
      await proxy.stop();
      await Promise.all([former.stop(), next.stop()]);
    });

    const copyTo = async (server: PostgresServer, table: string, id: string): Promise<void> => {
      const [row] = await former.sql(
        `SELECT row_to_json(t)::text AS row FROM ${table} t WHERE account_id = '${id}'`,
      );
      const client = new Client({ connectionString: server.url });
      await client.connect();
      await client.query(`INSERT INTO ${table} SELECT * FROM json_populate_record(NULL::${table}, $1)`, [
        row?.['row'],
      ]);
      await client.end();
    };

    it('keeps no connection that writes to the former primary', async () => {
      // Every connection of the pool is open before the address moves.
      expect(
        new Set((await Promise.all(Array.from({ length: 20 }, change))).map(({ status }) => status)),
      ).toEqual(new Set([200]));
      await former.sql('ALTER SYSTEM SET default_transaction_read_only = on', 'SELECT pg_reload_conf()');

      await until(async () => (await change()).status === 503);
      expect(await failure(change())).toEqual({ status: 503, code: 'temporarily_unavailable' });
      expect(await ready()).toMatchObject({ status: 'unavailable', reasons: { postgres: 'read_only' } });

      await proxy.command('set server postgres/next state ready; set server postgres/former state maint');
      await until(async () => (await change()).status === 200);
      expect(
        new Set((await Promise.all(Array.from({ length: 20 }, change))).map(({ status }) => status)),
      ).toEqual(new Set([200]));
      await until(async () => (await ready()).status === 'ok');
      const [{ bio } = {}] = await next.sql(
        `SELECT bio FROM profile.profiles WHERE account_id = '${mina.id}'`,
      );
      expect(bio).toBe('changed');
    });
  },
);
