import { hash } from '@node-rs/argon2';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { FastifyReply } from 'fastify';
import type { QueryRunner } from 'typeorm';
import { Outbox } from '../../../src/outbox/outbox.js';
import { Account } from '../../../src/auth/accounts/account.entity.js';
import { localProof } from '../../../src/auth/local/local-proof.js';
import { Login } from '../../../src/auth/login/login.js';
import { Browser, loginErrorOf } from '../../support/fixtures/browser.js';
import { insiders } from '../../support/fixtures/insiders.js';
import { Mailbox } from '../../support/servers/mailbox.js';
import { post, verifiedPerson } from '../../support/fixtures/people.js';
import { startDatabase } from '../../support/fixtures/shared-database.js';
import { describeWith } from '../../support/programs.js';
import { startSocialApp, type SocialApp } from '../../support/fixtures/social.js';

/** Races between two changes of one account. A lock held by the test fixes their order. */
describeWith('postgres', 'under concurrent changes of one account', () => {
  let server: Awaited<ReturnType<typeof startDatabase>>;
  let mailbox: Mailbox;
  let app: SocialApp;
  beforeAll(async () => {
    server = await startDatabase();
    mailbox = await Mailbox.open();
    app = await startSocialApp({
      MAIL_URL: mailbox.url,
      DATABASE_URL: server.url,
      SESSION_LIMIT: '5',
      KAKAO_SCOPE: 'profile_nickname profile_image account_email',
    });
  });
  afterAll(async () => {
    await app.stop();
    await mailbox.close();
    await server.stop();
  });
  beforeEach(() => app.database.query('DELETE FROM auth.accounts'));

  const { logIn, logInWithPassword, call, link } = insiders(() => app);
  let people = 0;
  const newUser = () => verifiedPerson(app, mailbox, `racer${++people}`);
  /** Requests a reset link and returns its token from the mail. */
  async function forgot(email: string): Promise<string> {
    const before = mailbox.mails.filter(({ to }) => to === email).length;
    await post(app, '/auth/forgot-password', { email });
    const mail = (await mailbox.waitFor(email, before + 1)).at(-1);
    return /#reset-password=(\S+)/.exec(mail?.text ?? '')?.[1] ?? 'no link';
  }
  const reset = (token: string, password: string) => post(app, '/auth/reset-password', { token, password });
  const livingSessions = (accountId: string) =>
    app.database.query<object[]>('SELECT id FROM auth.sessions WHERE account_id = $1 AND ended_at IS NULL', [
      accountId,
    ]);

  /** Waits until this number of statements of the application wait for a lock. */
  async function untilWaiting(count: number): Promise<void> {
    for (;;) {
      const [{ waiting }] = await app.database.query<[{ waiting: number }]>(
        `SELECT count(*)::int AS waiting FROM pg_stat_activity
         WHERE wait_event_type = 'Lock' AND datname = current_database()`,
      );
      if (waiting >= count) return;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Runs an action while the test holds a lock. Releases the lock when the action has ended. */
  async function holding<T>(lock: string, meanwhile: (holder: QueryRunner) => Promise<T>): Promise<T> {
    const holder = app.database.createQueryRunner();
    await holder.startTransaction();
    try {
      await holder.query(lock);
      return await meanwhile(holder);
    } finally {
      await holder.commitTransaction();
      await holder.release();
    }
  }
  /** Pauses logins after the password comparison or the provider's response, and before the session is opened. */
  const LOCK_PROFILES = 'LOCK TABLE profile.profiles IN SHARE MODE';

  /** Each entry prepares a change that ends the old login method, and returns it as a function. */
  const ENDS: Record<
    string,
    (person: { email: string; password: string }) => Promise<() => Promise<number>>
  > = {
    'a reset': async ({ email }) => {
      const token = await forgot(email);
      return async () => (await reset(token, 'the owner chose this')).status;
    },
    'a change': async ({ email, password }) => {
      const { authorization } = await logInWithPassword(email, password);
      const change = { currentPassword: password, newPassword: 'the owner chose this' };
      return async () => (await post(app, '/auth/change-password', change, { authorization })).status;
    },
    'the end of the account': async ({ email, password }) => {
      const owner = await logInWithPassword(email, password);
      return async () => (await call(owner, 'DELETE', '/auth/account')).status;
    },
  };

  it.each(Object.keys(ENDS))('a login with the old password does not outlive %s', async (what) => {
    const { email, password } = await newUser();
    const { id } = await logInWithPassword(email, password);
    const end = await ENDS[what]!({ email, password });
    const late = await holding(LOCK_PROFILES, async () => {
      const answer = post(app, '/auth/login', { email, password });
      await untilWaiting(1);
      expect(await end()).toBe(204);
      return { answer };
    });
    const answer = await late.answer;
    expect([answer.status, await answer.json()]).toMatchObject([401, { code: 'credentials_invalid' }]);
    expect(answer.headers.get('set-cookie')).toBeNull();
    // The session that changes the password is not ended.
    expect(await livingSessions(id)).toHaveLength(what === 'a change' ? 1 : 0);
  });

  it('a password reset that waits for a login ends the session of that login', async () => {
    const { email, password } = await newUser();
    const token = await forgot(email);
    const { changed, id } = await holding(
      `SELECT FROM auth.accounts WHERE email = '${email}' FOR KEY SHARE`,
      async () => {
        const answer = reset(token, 'the owner chose this');
        await untilWaiting(1);
        return { changed: answer, id: (await logInWithPassword(email, password)).id };
      },
    );
    expect((await changed).status).toBe(204);
    expect(await livingSessions(id)).toEqual([]);
  });

  it('audit events of an account are in the order of their times despite lock waits', async () => {
    const { email, password } = await newUser();
    const owner = await logInWithPassword(email, password);
    const { browser: elsewhere } = await logInWithPassword(email, password);
    const { changed } = await holding(
      `SELECT FROM auth.accounts WHERE email = '${email}' FOR SHARE`,
      async () => {
        const change = { currentPassword: password, newPassword: 'the owner chose this' };
        const { authorization } = owner;
        const answer = post(app, '/auth/change-password', change, { authorization });
        await untilWaiting(1);
        await elsewhere.request(`${app.url}/auth/logout`, { method: 'POST' });
        return { changed: answer };
      },
    );
    expect((await changed).status).toBe(204);
    const { body } = await call(owner, 'GET', '/auth/events');
    const times = body.items.map(({ at }) => at);
    expect(times).toEqual(times.toSorted().toReversed());
  });

  it('a login succeeds while another login rehashes the same password', async () => {
    const { email, password } = await newUser();
    const weak = await hash(password, { memoryCost: 4_096, timeCost: 1, parallelism: 1 });
    await app.database.query('UPDATE auth.accounts SET password_hash = $1', [weak]);
    const answers = await Promise.all(
      Array.from({ length: 3 }, () => post(app, '/auth/login', { email, password })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(3).fill(200));
  });

  it('a login through a provider does not outlive the unlinking of that provider', async () => {
    const mina = await logIn('kakao', 'mina');
    await link(mina, 'naver', 'mina');
    const browser = new Browser(app.url);
    const callback = await browser.choose('mina', await browser.goTo('naver'));
    const late = await holding(LOCK_PROFILES, async () => {
      const answer = browser.request(callback, {}, 'elsewhere');
      await untilWaiting(1);
      expect((await call(mina, 'DELETE', '/auth/identities/naver')).status).toBe(204);
      return { answer };
    });
    expect(loginErrorOf(await late.answer)).toBe('login_attempt_invalid');
    expect(await livingSessions(mina.id)).toHaveLength(1);
  });

  it('parallel unlinking of two login methods leaves the last one linked', async () => {
    const mina = await logIn('kakao', 'mina');
    await link(mina, 'naver', 'mina');
    // Both transactions have read the identities before either deletes.
    const answers = await holding('LOCK TABLE auth.identities IN SHARE MODE', async () => {
      const all = ['kakao', 'naver'].map((provider) => call(mina, 'DELETE', `/auth/identities/${provider}`));
      await untilWaiting(2);
      return all;
    });
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(statuses.toSorted((a, b) => a - b)).toEqual([204, 409]);
  });

  it('parallel first logins at two providers open one account', async () => {
    const people = await Promise.all([
      logIn('google', 'mina'),
      logIn('kakao', 'mina-gmail'),
      logIn('google', 'mina'),
      logIn('kakao', 'mina-gmail'),
    ]);
    expect(new Set(people.map(({ id }) => id)).size).toBe(1);
  });

  it('a reset link works exactly once in parallel requests', async () => {
    const { email } = await newUser();
    const token = await forgot(email);
    const answers = await holding(`SELECT FROM auth.accounts FOR UPDATE`, async () => {
      const all = Array.from({ length: 5 }, (_, i) => reset(token, `password number ${i}`));
      await untilWaiting(5);
      return all;
    });
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(statuses.toSorted((a, b) => a - b)).toEqual([204, 400, 400, 400, 400]);
  });

  it('a login is refused when the account is disabled meanwhile', async () => {
    const { email, password } = await newUser();
    const late = await holding(LOCK_PROFILES, async () => {
      const answer = post(app, '/auth/login', { email, password });
      await untilWaiting(1);
      await app.database.query(`UPDATE auth.accounts SET status = 'disabled', changed_at = now()`);
      return { answer };
    });
    expect(await (await late.answer).json()).toMatchObject({ status: 403, code: 'account_disabled' });
  });

  it('parallel logins leave no more than SESSION_LIMIT sessions', async () => {
    const { email, password } = await newUser();
    const logIns = Array.from({ length: 20 }, () => post(app, '/auth/login', { email, password }));
    expect((await Promise.all(logIns)).map(({ status }) => status)).toEqual(Array(20).fill(200));
    const ends = await app.database.query<{ end_reason: string | null; count: number }[]>(
      `SELECT end_reason, count(*)::int AS count FROM auth.sessions
       WHERE account_id = (SELECT id FROM auth.accounts WHERE email = $1) GROUP BY 1 ORDER BY 1`,
      [email],
    );
    expect(ends).toEqual([
      { end_reason: 'limit_reached', count: 16 },
      { end_reason: null, count: 5 },
    ]);
  });

  it('logins that read the same session list leave no more than SESSION_LIMIT', async () => {
    const { email, password } = await newUser();
    const { id } = await logInWithPassword(email, password);
    for (let i = 0; i < 3; i++) await logInWithPassword(email, password);
    const full = `SELECT FROM auth.sessions WHERE account_id = '${id}' FOR UPDATE`;
    const { answers } = await holding(full, async () => {
      const logIns = Array.from({ length: 6 }, () => post(app, '/auth/login', { email, password }));
      await untilWaiting(6);
      return { answers: Promise.all(logIns) };
    });
    expect((await answers).map(({ status }) => status)).toEqual(Array(6).fill(200));
    expect(await livingSessions(id)).toHaveLength(5);
  });

  it('logins that end each other’s sessions and a logout everywhere do not deadlock', async () => {
    const credentials = ({ email, password }: { email: string; password: string }) => ({ email, password });
    const [mina, juno] = [credentials(await newUser()), credentials(await newUser())];
    for (let round = 0; round < 5; round++) {
      const logIns = [mina, juno].map((person) => post(app, '/auth/login', person));
      const [ofMina, ofJuno] = (await Promise.all(logIns)).map(
        (answer) => answer.headers.get('set-cookie')?.split(';', 1)[0] ?? '',
      );
      const here = await logInWithPassword(mina.email, mina.password);
      const answers = await Promise.all([
        post(app, '/auth/login', mina, { cookie: ofJuno ?? '' }),
        post(app, '/auth/login', juno, { cookie: ofMina ?? '' }),
        call(here, 'DELETE', '/auth/sessions'),
      ]);
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 204]);
    }
  });

  it('a login that read the account before its deletion leaves no profile', async () => {
    const { email, password } = await newUser();
    const owner = await logInWithPassword(email, password);
    const before = await app.database.getRepository(Account).findOneByOrFail({ email });
    expect((await call(owner, 'DELETE', '/auth/account')).status).toBe(204);
    const outbox = app.daemun.app.get(Outbox, { strict: false });
    await outbox.run();
    const late = app.daemun.app
      .get(Login, { strict: false })
      .complete(before, localProof(before, 'password'), {
        request: { ip: '', headers: {}, cookies: {} },
      } as FastifyReply);
    await expect(late).rejects.toMatchObject({ code: 'credentials_invalid' });
    await outbox.run();
    expect((await fetch(`${app.url}/users/${owner.id}`)).status).toBe(404);
  });

  it('a login waits for a parallel login that links the identity, and succeeds', async () => {
    await logIn('google', 'mina');
    const [{ subject }] = await app.database.query<[{ subject: string }]>(
      'SELECT subject FROM auth.identities',
    );
    await app.database.query('DELETE FROM auth.accounts');
    await newUser();
    await app.database.query(`UPDATE auth.accounts SET email = 'sandbox-mina@gmail.com'`);
    const [{ id }] = await app.database.query<[{ id: string }]>('SELECT id FROM auth.accounts');
    const browser = new Browser(app.url);
    const callback = await browser.choose('mina', await browser.goTo('google'));
    const late = await holding(`SELECT FROM auth.accounts FOR UPDATE`, async (holder) => {
      const answer = browser.request(callback, {}, 'elsewhere');
      await untilWaiting(1);
      await holder.query(
        `INSERT INTO auth.identities (provider, subject, account_id, email_verification) VALUES ('google', $1, $2, 'verified')`,
        [subject, id],
      );
      return { answer };
    });
    expect(loginErrorOf(await late.answer)).toBeUndefined();
    expect(await livingSessions(id)).toHaveLength(2);
  });

  it('one of several reset links works, and the parallel resets do not deadlock', async () => {
    const { email } = await newUser();
    const tokens = [await forgot(email), await forgot(email), await forgot(email)];
    const answers = await holding(`SELECT FROM auth.accounts FOR UPDATE`, async () => {
      const all = tokens.map((token) => reset(token, 'the owner chose this'));
      await untilWaiting(3);
      return all;
    });
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(statuses.toSorted((a, b) => a - b)).toEqual([204, 400, 400]);
  });

  it('a password reset and the account deletion are serialized', async () => {
    const { email, password } = await newUser();
    const owner = await logInWithPassword(email, password);
    const token = await forgot(email);
    const answers = await holding(`SELECT FROM auth.accounts FOR UPDATE`, async () => {
      const left = call(owner, 'DELETE', '/auth/account');
      await untilWaiting(1);
      const changed = reset(token, 'the owner chose this');
      await untilWaiting(2);
      return [left, changed];
    });
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([204, 400]);
  });
});
