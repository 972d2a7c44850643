import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { AuthRetention } from '../../src/auth/auth-retention.js';
import { openSession, signedIn, type Tokens } from '../support/fixtures/actors.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

const tidy = () => app.daemun.app.get(AuthRetention, { strict: false }).run();
async function logIn(): Promise<{ readonly accountId: string; readonly tokens: Tokens }> {
  const { id: accountId } = await signedIn(app);
  return { accountId, tokens: await openSession(app, { accountId }) };
}
/** Moves all timestamps of the sessions of an account into the past. */
async function age(accountId: string, days: number): Promise<void> {
  await app.database.query(
    `UPDATE auth.sessions SET created_at = created_at - $2 * interval '1 day', expires_at = expires_at - $2 * interval '1 day',
       issued_at = issued_at - $2::bigint * 86400000, ended_at = ended_at - $2 * interval '1 day',
       changed_at = changed_at - $2 * interval '1 day' WHERE account_id = $1`,
    [accountId, days],
  );
}
const sessionsOf = (accountId: string) =>
  app.database.query<{ end_reason: string | null }[]>(
    'SELECT end_reason FROM auth.sessions WHERE account_id = $1',
    [accountId],
  );
const eventsOf = (accountId: string) =>
  app.database.query<object[]>(
    'SELECT kind, details FROM auth.audit_events WHERE account_id = $1 ORDER BY id',
    [accountId],
  );

it('the retention job records that a session passed a limit', async () => {
  const { accountId } = await logIn();
  await age(accountId, 32);
  await tidy();
  expect(await sessionsOf(accountId)).toEqual([{ end_reason: 'limit_passed' }]);
  expect(await eventsOf(accountId)).toContainEqual({
    kind: 'session_ended',
    details: { reason: 'limit_passed' },
  });
});

it('the retention job keeps sessions that are within their limits', async () => {
  const { accountId } = await logIn();
  await age(accountId, 29);
  await tidy();
  expect(await sessionsOf(accountId)).toEqual([{ end_reason: null }]);
});

it('the retention job deletes sessions a month after their end, and they stay ended', async () => {
  const { accountId, tokens } = await logIn();
  const refresh = () =>
    fetch(`${app.url}/auth/refresh`, {
      method: 'POST',
      headers: { cookie: `refresh=${tokens.refreshToken}` },
    });
  await fetch(`${app.url}/auth/logout`, {
    method: 'POST',
    headers: { cookie: `refresh=${tokens.refreshToken}` },
  });
  await tidy();
  expect(await sessionsOf(accountId)).toHaveLength(1);
  await age(accountId, 31);
  await tidy();
  expect(await sessionsOf(accountId)).toEqual([]);
  expect(await (await refresh()).json()).toMatchObject({ code: 'session_ended' });
});

it('the retention job deletes audit events after a year', async () => {
  const { accountId } = await logIn();
  await app.database.query(
    `INSERT INTO auth.audit_events (account_id, kind, at) VALUES ($1, 'session_opened', now() - interval '400 days')`,
    [accountId],
  );
  await tidy();
  expect(await eventsOf(accountId)).toHaveLength(1);
});

it('the retention job deletes unverified registrations without a login after a week', async () => {
  const { accountId: withoutAddress } = await logIn();
  const insert = async (email: string, verified: boolean, days: number) => {
    await app.database.query(
      `INSERT INTO auth.accounts (id, email, email_verified_at, nickname, created_at)
       VALUES (gen_random_uuid(), $1, CASE WHEN $2 THEN now() END, 'mina', now() - make_interval(days => $3))`,
      [email, verified, days],
    );
  };
  await insert('forgotten@example.com', false, 8);
  await insert('waiting@example.com', false, 6);
  await insert('verified@example.com', true, 800);
  await tidy();
  const left = await app.database.query<{ email: string | null }[]>(
    'SELECT email FROM auth.accounts WHERE email IS NOT NULL OR id = $1 ORDER BY email',
    [withoutAddress],
  );
  expect(left.map(({ email }) => email)).toEqual(['verified@example.com', 'waiting@example.com', null]);
});
