import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { startSandbox, type Sandbox } from '../../../sandbox/sandbox.js';
import { Outbox } from '../../../src/outbox/outbox.js';
import { AuthRetention } from '../../../src/auth/auth-retention.js';
import { startApp, type TestApp } from '../../support/fixtures/app.js';
import { insiders } from '../../support/fixtures/insiders.js';
import { PostgresServer } from '../../support/servers/postgres-server.js';
import { describeWith } from '../../support/programs.js';

const OLD = 'kX9vQ2mN7pL4rT8wZ1yB6cD3fG5hJ0aS';
const NEW = 'Zq7uW3eR5tY1iO9pA2sD4fG6hJ8kL0xC';

/** Provider grants are encrypted under AUTH_SECRET and must survive its rotation. */
describeWith('postgres', 'the provider grant', () => {
  let server: PostgresServer;
  let sandbox: Sandbox;
  let app: TestApp;
  beforeAll(async () => {
    server = await PostgresServer.start();
    sandbox = await startSandbox({ port: 0, smtpPort: 0 });
  });
  afterAll(async () => {
    await sandbox.close();
    await server.stop();
  });
  const start = async (secrets: string) => {
    app = await startApp({
      DATABASE_URL: server.url,
      OAUTH_SANDBOX_URL: sandbox.url,
      MAIL_URL: sandbox.smtpUrl,
      AUTH_SECRET: secrets,
    });
  };
  const restart = async (secrets: string) => {
    await app.stop();
    await start(secrets);
  };
  beforeEach(async () => {
    // The previous test left the signing keys under the other secret.
    await start(`${OLD},${NEW}`);
    await app.database.query('DELETE FROM auth.accounts');
    await app.database.query('DELETE FROM auth.outbox');
  });
  afterEach(async () => {
    sandbox.clearFaults();
    await app.stop();
  });

  const { logIn, call } = insiders(() => app);
  const deliver = () => app.daemun.app.get(Outbox, { strict: false }).run();
  const tidy = () => app.daemun.app.get(AuthRetention, { strict: false }).run();
  const messagesLeft = async () => (await app.database.query<object[]>('SELECT 1 FROM auth.outbox')).length;
  const revoked = () => sandbox.requests().filter(({ endpoint }) => endpoint === 'revoke').length;

  it('is re-encrypted under the current secret, as are pending messages of the outbox', async () => {
    const [mina, jun] = [await logIn('google', 'mina'), await logIn('naver', 'jun')];
    sandbox.fault({ provider: 'naver', at: 'revoke', fault: '500' });
    await call(jun, 'DELETE', '/auth/account');
    await deliver();
    expect(await messagesLeft()).toBe(1);
    await restart(`${NEW},${OLD}`);
    await tidy();
    await restart(NEW);
    sandbox.clearFaults();
    sandbox.clearRequests();
    const again = await logIn('google', 'mina');
    expect(again.id).toBe(mina.id);
    expect((await call(again, 'DELETE', '/auth/account')).status).toBe(204);
    // A message in delivery has a lease, and the UPDATE below would end it. The delivery finishes first.
    await deliver();
    await app.database.query('UPDATE auth.outbox SET due_at = now()');
    await deliver();
    expect([await messagesLeft(), revoked()]).toEqual([0, 2]);
  });

  it('without its secret makes the unlinking wait until the secret is back', async () => {
    await logIn('google', 'mina');
    // Signing keys are re-encrypted at start; grants and messages within the hour. This removes the secret in between.
    await restart(`${NEW},${OLD}`);
    await restart(NEW);
    sandbox.clearRequests();
    const again = await logIn('google', 'mina');
    expect((await call(again, 'DELETE', '/auth/account')).status).toBe(204);
    await deliver();
    expect([await messagesLeft(), revoked()]).toEqual([1, 0]);
    expect(JSON.stringify(app.log)).toContain('is not among those in AUTH_SECRET');
    await restart(`${NEW},${OLD}`);
    await app.database.query('UPDATE auth.outbox SET due_at = now()');
    await deliver();
    expect([await messagesLeft(), revoked()]).toEqual([0, 1]);
  });
});
