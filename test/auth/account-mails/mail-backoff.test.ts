import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { EntityManager } from 'typeorm';
import { MailBackoff } from '../../../src/auth/account-mails/mail-backoff.js';
import { Outbox } from '../../../src/outbox/outbox.js';
import { startApp, type TestApp } from '../../support/fixtures/app.js';
import { Mailbox } from '../../support/servers/mailbox.js';
import { post, tokenIn, verifiedPerson } from '../../support/fixtures/people.js';
import { startDatabase } from '../../support/fixtures/shared-database.js';
import { describeWith } from '../../support/programs.js';

let mailbox: Mailbox;
let app: TestApp;
beforeAll(async () => {
  mailbox = await Mailbox.open();
});
afterAll(() => mailbox.close());
beforeEach(async () => {
  app = await startApp({ MAIL_URL: mailbox.url, RATE_LIMIT_FACTOR: '1', TRUST_PROXY: '1' });
});
afterEach(() => app.stop());

const ask = (path: string, body: object, address: string) =>
  post(app, path, body, { 'x-forwarded-for': address });
const mailsTo = (email: string) => mailbox.mails.filter(({ to }) => to === email);
/** Runs the outbox until only mails that wait for the end of a pause are left. */
const settle = async () => {
  // A delivery that ends may add a message after a run.
  for (let idle = 0; idle < 2; idle++) {
    await app.daemun.app.get(Outbox, { strict: false }).run();
    const due = await app.database.query<object[]>('SELECT 1 FROM auth.outbox WHERE due_at <= now()');
    if (due.length > 0) idle = -1;
  }
};
/** Ends the pause of every waiting mail. */
const endPauses = async () => {
  await app.database.query('UPDATE auth.outbox SET due_at = now()');
  await app.database.query('UPDATE auth.mail_backoff SET due_at = now() WHERE due_at > now()');
  await settle();
};
const pending = async () =>
  (await app.database.query<object[]>("SELECT 1 FROM auth.outbox WHERE kind = 'mail.scheduled'")).length;
const someone = () => `${randomUUID().slice(0, 8)}@example.com`;

describe('fifty requests from fifty networks for one address', () => {
  it.each(['/auth/forgot-password', '/auth/verify-email/resend'])(
    'to %s cause one mail at once, and one after the backoff',
    async (path) => {
      const email = someone();
      await ask('/auth/register', { email, password: 'a fine password', nickname: 'Mina' }, '203.0.113.9');
      await settle();
      const before = mailsTo(email).length;
      await Promise.all(Array.from({ length: 50 }, (_, n) => ask(path, { email }, `198.51.${n}.1`)));
      await settle();
      const atOnce = mailsTo(email).length - before;
      expect(atOnce).toBeLessThanOrEqual(1);
      expect(await pending()).toBe(1);
      await endPauses();
      expect(mailsTo(email).length - before).toBe(atOnce + 1);
    },
  );

  it('to register it cause five mails, and after the backoff one mail without effect', async () => {
    const email = someone();
    await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        ask('/auth/register', { email, password: `a stranger's, ${n}`, nickname: 'Mina' }, `198.51.${n}.1`),
      ),
    );
    await settle();
    expect(mailsTo(email)).toHaveLength(5);
    await endPauses();
    expect(mailsTo(email)).toHaveLength(6);
    const { status } = await post(app, '/auth/verify-email', { token: tokenIn(mailsTo(email).at(-1)!) });
    expect(status).toBe(200);
    const attackersLogin = await ask('/auth/login', { email, password: "a stranger's, 19" }, '198.51.19.1');
    expect(attackersLogin.status).toBe(401);
  });
});

describe('mail backoff for an address that attackers request mails for', () => {
  it('does not delay the mail of an owner on a network with earlier logins', async () => {
    const mina = await verifiedPerson(app, mailbox, `owner-${randomUUID().slice(0, 8)}`);
    expect((await ask('/auth/login', mina, '203.0.113.3')).status).toBe(400);
    const { email, password } = mina;
    expect((await ask('/auth/login', { email, password }, '203.0.113.3')).status).toBe(200);
    for (let n = 0; n < 10; n++) await ask('/auth/forgot-password', { email }, `198.51.100.${n}`);
    await settle();
    const before = mailsTo(email).length;
    await ask('/auth/forgot-password', { email }, '203.0.113.3');
    await settle();
    expect(mailsTo(email).length - before).toBe(1);
  });

  it('gives an owner on a new network a working link at the end of the backoff', async () => {
    const { email } = await verifiedPerson(app, mailbox, `late-${randomUUID().slice(0, 8)}`);
    for (let n = 0; n < 5; n++) await ask('/auth/forgot-password', { email }, `198.51.100.${n}`);
    await settle();
    const atOnce = mailsTo(email).length;
    await endPauses();
    expect(mailsTo(email)).toHaveLength(atOnce + 1);
    const [, token] = /#reset-password=(\S+)/.exec(mailsTo(email).at(-1)?.text ?? '') ?? [];
    const reset = await post(app, '/auth/reset-password', { token, password: 'the owner chose this' });
    expect(reset.status).toBe(204);
  });
});

describeWith('postgres', 'the order of mails to one mailbox', () => {
  it('does not lose a mail to a faster request that began later', async () => {
    const server = await startDatabase();
    const own = await startApp({ DATABASE_URL: server.url });
    const pauses = own.daemun.app.get(MailBackoff, { strict: false });
    const place = (db: EntityManager) => pauses.next(db, 'register', 'mina@example.com', 5);
    const places = await own.database.transaction(async (first) => {
      await first.query('SELECT 1');
      const quicker = await own.database.transaction(place);
      return [quicker, await place(first)];
    });
    expect(places).toMatchObject([{ later: false }, { later: false }]);
    await own.stop();
    await server.stop();
  });
});

describe('mails to addresses that were never verified', () => {
  let narrow: TestApp;
  beforeEach(async () => {
    // Ten an hour, two of them at once.
    narrow = await startApp({ MAIL_URL: mailbox.url, RATE_LIMIT_FACTOR: '0.01', TRUST_PROXY: '1' });
  });
  afterEach(() => narrow.stop());
  const registerAt = (email: string, site: number) => {
    const headers = { 'x-forwarded-for': `198.51.${site}.1` };
    return post(narrow, '/auth/register', { email, password: 'a fine password', nickname: 'Mina' }, headers);
  };
  const due = async () => {
    const outbox = narrow.daemun.app.get(Outbox, { strict: false });
    while ((await narrow.database.query<object[]>('SELECT 1 FROM auth.mail_backoff')).length < 6) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await outbox.run();
    return narrow.database.query<{ minutes: number }[]>(
      `SELECT round(extract(epoch FROM due_at - now()) / 60)::int AS minutes FROM auth.outbox ORDER BY due_at`,
    );
  };

  it('share one throttle for all clients, and no throttled mail is lost', async () => {
    const emails = Array.from({ length: 5 }, someone);
    for (const [site, email] of emails.entries()) expect((await registerAt(email, site)).status).toBe(202);
    expect(await due()).toEqual([{ minutes: 6 }, { minutes: 12 }, { minutes: 18 }]);
    expect(emails.flatMap(mailsTo)).toHaveLength(2);
  });

  it('are not queued if the throttle would delay them for more than six hours', async () => {
    await narrow.database.query(
      "INSERT INTO auth.mail_backoff (mailbox, due_at, sent) VALUES ('unverified', now() + interval '7 hours', 1)",
    );
    expect((await registerAt(someone(), 1)).status).toBe(202);
    await narrow.daemun.app.get(Outbox, { strict: false }).run();
    const metrics = await (await fetch(`${narrow.url}/metrics`)).text();
    expect(metrics).toContain('daemun_mails_throttled_total{outcome="dropped"} 1');
    expect(await narrow.database.query('SELECT 1 FROM auth.outbox')).toEqual([]);
  });

  it('raise an alarm when they are throttled: one log line and a counter', async () => {
    for (let site = 0; site < 5; site++) await registerAt(someone(), site);
    await due();
    expect(narrow.log.filter(({ msg }) => /are throttled/.test(String(msg)))).toEqual([
      expect.objectContaining({ level: expect.anything() }),
    ]);
    const metrics = await (await fetch(`${narrow.url}/metrics`)).text();
    expect(metrics).toContain('daemun_mails_throttled_total{outcome="deferred"} 3');
  });
});

describe('subaddresses of one mailbox', () => {
  it('share the mail backoff of the mailbox', async () => {
    const name = randomUUID().slice(0, 8);
    const emails = Array.from({ length: 12 }, (_, n) => `${name}+${n}@example.com`);
    for (const email of emails) {
      await ask('/auth/register', { email, password: 'a fine password', nickname: 'Mina' }, '198.51.100.1');
    }
    await settle();
    expect(mailbox.mails.filter(({ to }) => to.startsWith(name))).toHaveLength(5);
  });
});
