import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { KnownClients } from '../../../src/auth/rate-limits/known-clients.js';
import { signedIn } from '../../support/fixtures/actors.js';
import { startApp, type TestApp } from '../../support/fixtures/app.js';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

it('known clients include the clients of an account’s latest thousand sessions', async () => {
  const { id } = await signedIn(app);
  await app.database.query("UPDATE auth.accounts SET email = 'often@example.com' WHERE id = $1", [id]);
  await app.database.query(
    `INSERT INTO auth.sessions (id, account_id, method, device, ip, created_at, expires_at)
     SELECT gen_random_uuid(), $1, 'kakao', 'Chrome on Windows', '10.0.' || n / 250 || '.' || n % 250, now() - n * interval '1 minute',
       now() + interval '1 day' FROM generate_series(0, 1000) AS n`,
    [id],
  );
  const known = app.daemun.app.get(KnownClients, { strict: false });
  const has = (client: string) => known.has('often@example.com', client);
  expect(await Promise.all(['10.0.0.0', '10.0.3.249', '10.0.4.0'].map(has))).toEqual([true, true, false]);
});

it('known clients are read from the latest thousand sessions of an account only', async () => {
  const { id } = await signedIn(app);
  await app.database.query("UPDATE auth.accounts SET email = 'very-often@example.com' WHERE id = $1", [id]);
  await app.database.query(
    `INSERT INTO auth.sessions (id, account_id, method, device, ip, created_at, expires_at)
     SELECT gen_random_uuid(), $1, 'kakao', 'Chrome on Windows', '10.0.0.1', now() - n * interval '1 minute', now() + interval '1 day'
     FROM generate_series(1, 5000) AS n ORDER BY random()`,
    [id],
  );
  await app.database.query('ANALYZE auth.sessions');
  const asked = jest.spyOn(app.database.logger, 'logQuery');
  await app.daemun.app.get(KnownClients, { strict: false }).has('very-often@example.com', '10.0.0.1');
  const [query, parameters] = asked.mock.calls.find(([query]) => query.includes('auth.sessions'))!;
  asked.mockRestore();
  const plan = await app.database.query<{ 'QUERY PLAN': string }[]>(`EXPLAIN ANALYZE ${query}`, parameters);
  const lines = plan.map((line) => line['QUERY PLAN']);
  const read = lines.filter((line) => line.includes(' on sessions') || line.includes(' on auth.sessions'));
  expect(read).toHaveLength(1);
  expect(Number(/actual.* rows=(\d+)/.exec(read[0]!)?.[1])).toBe(1_000);
});
