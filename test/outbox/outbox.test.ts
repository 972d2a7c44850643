import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable, Module, type OnModuleInit } from '@nestjs/common';
import { z } from 'zod';
import { OutboxModule } from '../../src/outbox/outbox.module.js';
import { Outbox, Undeliverable } from '../../src/outbox/outbox.js';
import { json, openSession, signedIn } from '../support/fixtures/actors.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';
import { Mailbox } from '../support/servers/mailbox.js';
import { post, register, tokenIn, verifiedPerson } from '../support/fixtures/people.js';
import { startDatabase } from '../support/fixtures/shared-database.js';
import { describeWith } from '../support/programs.js';
import { until } from '../support/until.js';

const AUTH_SECRET = randomBytes(32).toString('base64');

/** Calls of the handlers of a test module. */
const delivered: string[] = [];
let hang: Promise<void> = Promise.resolve();

@Injectable()
class Followers implements OnModuleInit {
  constructor(private readonly outbox: Outbox) {}

  onModuleInit(): void {
    const schema = z.object({ target: z.string(), does: z.string() });
    this.outbox.handle('test.message', {
      name: 'targets',
      schema,
      target: ({ target }) => target,
      deliver: async ({ target, does }, id) => {
        if (does === 'hang') await hang;
        if (does === 'fail') throw new Error('not now');
        if (does === 'refuse') throw new Undeliverable('never');
        delivered.push(`${target} ${does} ${id}`);
      },
    });
    this.outbox.handle('account.deleted', {
      name: 'followers',
      schema: z.object({ accountId: z.uuid() }),
      deliver: async ({ accountId }) => void delivered.push(`deleted ${accountId}`),
    });
  }
}
@Module({ imports: [OutboxModule], providers: [Followers] })
class FollowersModule {}

const outboxOf = (app: TestApp) => app.daemun.app.get(Outbox, { strict: false });
const add = async (app: TestApp, target: string, does: string, lifetimeS?: number) => {
  await outboxOf(app).add(app.database.manager, 'test.message', { target, does }, { lifetimeS });
  outboxOf(app).wake();
};
const left = async (app: TestApp) =>
  (await app.database.query<object[]>("SELECT 1 FROM auth.outbox WHERE kind = 'test.message'")).length;
const metrics = async (app: TestApp) => (await fetch(`${app.url}/metrics`)).text();

describe('the outbox', () => {
  let app: TestApp;
  let release: () => void;
  beforeAll(async () => {
    app = await startApp({ AUTH_SECRET }, [FollowersModule]);
  });
  afterAll(() => app.stop());
  beforeEach(() => {
    delivered.length = 0;
    hang = new Promise((resolve) => (release = resolve));
  });
  afterEach(async () => {
    release();
    await app.database.query("DELETE FROM auth.outbox WHERE kind = 'test.message'");
  });

  it('delivers to one target while another target hangs', async () => {
    for (let n = 0; n < 50; n++) await add(app, 'slow', 'hang');
    await add(app, 'quick', 'work');
    await until(() => delivered.some((line) => line.startsWith('quick work')));
    expect(delivered.filter((line) => line.startsWith('slow'))).toEqual([]);
  });

  it('deletes a profile at once while messages for providers hang', async () => {
    for (const target of ['google', 'kakao', 'naver']) await add(app, target, 'hang');
    const mina = await signedIn(app);
    const { id } = mina;
    await outboxOf(app).add(app.database.manager, 'account.deleted', { accountId: id });
    outboxOf(app).wake();
    // Each handler of the event has its own queue, so that they end in any order.
    await until(async () => (await fetch(`${app.url}/users/${id}`)).status === 404);
    await until(() => delivered.includes(`deleted ${id}`));
  });

  it('deletes the profile of a deleted account at once while providers hang', async () => {
    for (const target of ['google', 'kakao', 'naver']) await add(app, target, 'hang');
    const { accessToken, actor } = await openSession(app);
    const headers = { authorization: `Bearer ${accessToken}` };
    const answer = await fetch(`${app.url}/auth/account`, { method: 'DELETE', headers });
    expect(answer.status).toBe(204);
    // The next poll is 15 s away.
    await until(async () => (await fetch(`${app.url}/users/${actor.accountId}`)).status === 404, 10_000);
  });

  it('skips an unreadable message and continues with its lane', async () => {
    await app.database.query(
      "INSERT INTO auth.outbox (kind, queue, payload_jwe) VALUES ('test.message', 'test.message/targets/there', 'nothing')",
    );
    await add(app, 'there', 'work');
    await until(() => delivered.length === 1);
    await outboxOf(app).run();
    expect(await left(app)).toBe(1);
  });

  it('keeps a failed message for a retry, and counts it in the metrics', async () => {
    await add(app, 'there', 'fail');
    await outboxOf(app).run();
    expect(await left(app)).toBe(1);
    const text = await metrics(app);
    expect(text).toContain('daemun_outbox_pending{kind="test.message"} 1');
    expect(text).toMatch(/daemun_outbox_messages_total\{kind="test.message",outcome="deferred"\} [1-9]/);
  });

  it.each([
    ['that its target refuses for good', () => add(app, 'there', 'refuse')],
    ['past its expiry', () => add(app, 'there', 'work', -1)],
  ])('drops a message %s', async (_, send) => {
    await send();
    await outboxOf(app).run();
    expect([await left(app), delivered]).toEqual([0, []]);
    expect(app.log.at(-1)).toMatchObject({ level: 'error', msg: 'a message of the outbox was dropped' });
  });

  it('contains no address, token or text in plaintext', async () => {
    await add(app, 'there', 'fail');
    await outboxOf(app).run();
    const rows = await app.database.query<{ payload_jwe: string }[]>('SELECT payload_jwe FROM auth.outbox');
    for (const { payload_jwe } of rows) expect(payload_jwe.split('.')).toHaveLength(5);
  });
});

describeWith('postgres', 'the outbox of several processes', () => {
  it('delivers each message once, and takes over the leases of an ended process', async () => {
    const server = await startDatabase();
    const env = { DATABASE_URL: server.url, AUTH_SECRET };
    const apps = await Promise.all([startApp(env, [FollowersModule]), startApp(env, [FollowersModule])]);
    delivered.length = 0;
    await Promise.all(Array.from({ length: 40 }, (_, n) => add(apps[n % 2]!, `target-${n % 5}`, 'work')));
    await until(() => delivered.length >= 40);
    expect(new Set(delivered).size).toBe(40);
    await apps[0].stop();
    await outboxOf(apps[1]).add(apps[1].database.manager, 'test.message', { target: 'a', does: 'fail' });
    await outboxOf(apps[1]).run();
    await apps[1].stop();
    const next = await startApp(env, [FollowersModule]);
    expect(await left(next)).toBe(1);
    await next.stop();
    await server.stop();
  });
});

const person = () => ({
  email: `${randomUUID().slice(0, 8)}@example.com`,
  password: 'a fine password',
  nickname: 'Mina',
});
const soon = (on: TestApp) => on.database.query('UPDATE auth.outbox SET due_at = now()');
const mailsLeft = async (on: TestApp) =>
  (
    await on.database.query<{ attempts: number }[]>(
      "SELECT attempts FROM auth.outbox WHERE kind = 'mail.send'",
    )
  ).map(({ attempts }) => attempts);

describe('a mail that the mail server defers', () => {
  let mailbox: Mailbox;
  let app: TestApp;
  beforeAll(async () => {
    mailbox = await Mailbox.open();
    app = await startApp({ MAIL_URL: mailbox.url });
  });
  afterAll(async () => {
    await app.stop();
    await mailbox.close();
  });
  beforeEach(() => void (app.log.length = 0));
  afterEach(() => app.database.query("DELETE FROM auth.outbox WHERE kind = 'mail.send'"));

  async function deferred(): Promise<number> {
    const [, count] =
      /^daemun_outbox_messages_total\{kind="mail.send",outcome="deferred"\} (\d+)$/m.exec(
        await metrics(app),
      ) ?? [];
    return Number(count ?? 0);
  }

  it.each([421, 450, 451, 452])('with %d is kept, and delivered when the server accepts it', async (code) => {
    const before = await deferred();
    mailbox.refuse(...Array.from({ length: 6 }, () => code));
    const registration = person();
    const arrived = register(app, mailbox, registration);
    for (let attempt = 1; attempt <= 6; attempt++) {
      await until(async () => (await mailsLeft(app))[0] === attempt);
      await soon(app);
      outboxOf(app).wake();
    }
    expect(tokenIn(await arrived)).toBeTruthy();
    expect((await deferred()) - before).toBe(6);
  });

  it('has one Message-ID for all attempts', async () => {
    mailbox.refuse(451);
    const arrived = register(app, mailbox, person());
    await until(async () => (await mailsLeft(app))[0] === 1);
    const [row] = await app.database.query<{ id: string }[]>(
      "SELECT id FROM auth.outbox WHERE kind = 'mail.send'",
    );
    await soon(app);
    outboxOf(app).wake();
    expect((await arrived).messageId).toBe(`<outbox-${row?.id}@localhost>`);
  });

  it.each([
    '500 5.5.1 command unrecognized',
    '503 5.5.1 need AUTH first',
    '530 5.7.0 authentication required',
    '550 relaying denied',
    "553 sorry, that domain isn't in my list of allowed rcpthosts",
    '550 Administrative prohibition',
    '550 5.1.0 sender rejected',
    '550 Requested action not taken: mailbox unavailable',
    '550 5.4.5 daily sending limit exceeded',
    '550 5.7.1 message refused',
    '552 5.2.2 mailbox full',
    '554 blocked using zen.spamhaus.org',
  ])('because of a temporary or operator error is kept: %s', async (reply) => {
    mailbox.refuse(reply);
    const arrived = register(app, mailbox, person());
    await until(async () => (await mailsLeft(app))[0] === 1);
    await soon(app);
    outboxOf(app).wake();
    expect(tokenIn(await arrived)).toBeTruthy();
  });

  it.each(['550 User unknown', '550 5.1.1 not here', '551 No such user'])(
    'with %s for the recipient is dropped',
    async (reply) => {
      mailbox.refuse(reply);
      await post(app, '/auth/register', person());
      await until(() => app.log.some(({ msg }) => msg === 'a message of the outbox was dropped'));
      expect(await mailsLeft(app)).toEqual([]);
    },
  );
});

it('a pending mail is delivered by the next process', async () => {
  const [mailbox, refusing] = [await Mailbox.open(), await Mailbox.open()];
  const { url } = refusing;
  await refusing.close();
  const first = await startApp({ MAIL_URL: url, AUTH_SECRET });
  const registration = person();
  await post(first, '/auth/register', registration);
  await until(async () => (await mailsLeft(first))[0] === 1);
  await first.daemun.close();
  const next = await startApp({ MAIL_URL: mailbox.url, AUTH_SECRET, DATA_DIR: first.config.dataDir });
  await soon(next);
  outboxOf(next).wake();
  expect(await mailbox.waitFor(registration.email)).toHaveLength(1);
  await next.stop();
  await mailbox.close();
});

describe('an outbox that accepts no mails', () => {
  let mailbox: Mailbox;
  let app: TestApp;
  beforeAll(async () => {
    mailbox = await Mailbox.open();
    app = await startApp({ MAIL_URL: mailbox.url });
    await app.database.query(
      `CREATE FUNCTION auth.disk_full() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE EXCEPTION 'the disk is full' USING ERRCODE = '53100'; END $$`,
    );
  });
  afterAll(async () => {
    await app.stop();
    await mailbox.close();
  });
  afterEach(() => app.database.query('DROP TRIGGER IF EXISTS disk_full ON auth.outbox'));
  const fillDisk = () =>
    app.database.query(
      `CREATE TRIGGER disk_full BEFORE INSERT ON auth.outbox FOR EACH ROW WHEN (NEW.kind LIKE 'mail.%')
       EXECUTE FUNCTION auth.disk_full()`,
    );

  /** A logged-in user whose security notices the outbox refuses. */
  async function withoutOutbox(name: string) {
    const { email, password } = await verifiedPerson(app, mailbox, name);
    const person = { email, password };
    const { accessToken } = await json<{ accessToken: string }>(post(app, '/auth/login', person));
    await fillDisk();
    return { person, headers: { authorization: `Bearer ${accessToken}` } };
  }

  it('keeps the password when the security notice cannot be queued (transaction)', async () => {
    const { person, headers } = await withoutOutbox('changer');
    const change = { currentPassword: person.password, newPassword: 'a better password' };
    expect((await post(app, '/auth/change-password', change, headers)).status).toBe(503);
    expect((await post(app, '/auth/login', person)).status).toBe(200);
  });

  it('keeps the account when the deletion notice cannot be queued (transaction)', async () => {
    const { person, headers } = await withoutOutbox('leaver');
    const deletion = { method: 'DELETE', headers: { ...headers, 'content-type': 'application/json' } };
    const body = JSON.stringify({ password: person.password });
    expect((await fetch(`${app.url}/auth/account`, { ...deletion, body })).status).toBe(503);
    expect((await post(app, '/auth/login', person)).status).toBe(200);
  });

  it.each(['/auth/forgot-password', '/auth/verify-email/resend', '/auth/register'])(
    'makes %s answer 503 for a registered and for an unknown address',
    async (path) => {
      const { email } = await verifiedPerson(app, mailbox, path.split('/').at(-1)!);
      await fillDisk();
      const asked = [email, 'nobody@example.com'].map((address) => ({ ...person(), email: address }));
      const bodies = path === '/auth/register' ? asked : asked.map(({ email }) => ({ email }));
      const answers = await Promise.all(bodies.map((body) => post(app, path, body)));
      expect(answers.map(({ status }) => status)).toEqual([503, 503]);
    },
  );
});
