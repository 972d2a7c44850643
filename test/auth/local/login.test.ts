import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { PasswordHashes } from '../../../src/auth/local/password-hashes.js';
import { SessionStore } from '../../../src/auth/sessions/session-store.js';
import { routedNetworkOf } from '../../../src/rate-limits/client-address.js';
import { startApp, type TestApp } from '../../support/fixtures/app.js';
import { whileSlow } from '../../support/late-commit.js';
import { Mailbox } from '../../support/servers/mailbox.js';
import { post, register, tokenIn, verifiedPerson } from '../../support/fixtures/people.js';

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

const logIn = (email: string, password: string, headers: Record<string, string> = {}) =>
  post(app, '/auth/login', { email, password }, headers);
const finishedHashes = () => app.daemun.app.get(PasswordHashes).load.finished;

describe('login by password', () => {
  it('responds with an access token and sets the refresh cookie', async () => {
    const { email, password } = await verifiedPerson(app, mailbox, 'mina');
    const response = await logIn(email, password);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      accessToken: expect.any(String),
      tokenType: 'Bearer',
      expiresIn: expect.any(Number),
    });
    const cookie = response.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
    const refreshed = await post(app, '/auth/refresh', '', { cookie });
    expect(refreshed.status).toBe(200);
  });

  it('sets a host-only refresh cookie on https', async () => {
    const secure = await startApp({ MAIL_URL: mailbox.url, PUBLIC_URL: 'https://localhost' });
    try {
      const { email, password } = await verifiedPerson(secure, mailbox, 'by-https');
      const answer = await post(secure, '/auth/login', { email, password });
      expect(answer.headers.getSetCookie()).toEqual([
        expect.stringMatching(
          /^__Host-[\w-]+=daemun_rt1_[\w-]+; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
        ),
      ]);
    } finally {
      await secure.stop();
    }
  });

  it('ignores the case of the address', async () => {
    const { email, password } = await verifiedPerson(app, mailbox, 'case');
    expect((await logIn(email.toUpperCase(), password)).status).toBe(200);
  });

  it('respects the case of the password', async () => {
    const { email, password } = await verifiedPerson(app, mailbox, 'strict');
    expect((await logIn(email, password.toUpperCase())).status).toBe(401);
  });

  it('records the method of a session that a mailed link opened', async () => {
    const { email } = await verifiedPerson(app, mailbox, 'link');
    const sessions = await app.database.query<{ method: string }[]>(
      'SELECT s.method FROM auth.sessions s JOIN auth.accounts a ON a.id = s.account_id WHERE a.email = $1',
      [email],
    );
    expect(sessions).toEqual([{ method: 'mailed_link' }]);
  });

  it('records the device, and password as the login method', async () => {
    const { email, password } = await verifiedPerson(app, mailbox, 'device');
    await logIn(email, password, { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0' });
    const sessions = await app.database.query<{ method: string }[]>(
      `SELECT s.method FROM auth.sessions s JOIN auth.accounts a ON a.id = s.account_id
       WHERE a.email = $1 AND s.device = 'Firefox on Linux'`,
      [email],
    );
    expect(sessions).toEqual([{ method: 'password' }]);
  });

  describe('over an existing session of the same browser', () => {
    const cookieOf = (response: Response) => response.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
    const refresh = (cookie: string) => post(app, '/auth/refresh', '', { cookie });
    const endings = () =>
      app.database.query<{ end_reason: string }[]>(
        `SELECT end_reason FROM auth.sessions WHERE end_reason = 'replaced'`,
      );

    it.each(['the same account', 'another account'])('ends the replaced session, of %s', async (whose) => {
      const mina = await verifiedPerson(app, mailbox, `first-${whose.length}`);
      const next = whose === 'another account' ? await verifiedPerson(app, mailbox, 'juno-over-mina') : mina;
      const before = cookieOf(await logIn(mina.email, mina.password));
      const after = cookieOf(await logIn(next.email, next.password, { cookie: before }));
      const answers = [await refresh(before), await refresh(after)];
      expect(answers.map(({ status }) => status)).toEqual([401, 200]);
    });

    it('records that a login replaced the session', async () => {
      const { email, password } = await verifiedPerson(app, mailbox, 'why');
      await logIn(email, password, { cookie: cookieOf(await logIn(email, password)) });
      const events = await app.database.query<{ details: object }[]>(
        `SELECT details FROM auth.audit_events e JOIN auth.accounts a ON a.id = account_id
         WHERE a.email = $1 AND kind = 'session_ended'`,
        [email],
      );
      expect(events).toEqual([{ details: { reason: 'replaced', from: expect.any(String) } }]);
    });

    it('ends the replaced session also after a mailed link', async () => {
      const { email, password } = await verifiedPerson(app, mailbox, 'before-the-mail');
      const before = cookieOf(await logIn(email, password));
      const person = { email: 'by-mail@example.com', password: 'a password by mail', nickname: 'mail' };
      const token = tokenIn(await register(app, mailbox, person));
      expect((await post(app, '/auth/verify-email', { token }, { cookie: before })).status).toBe(200);
      expect((await refresh(before)).status).toBe(401);
    });

    it.each([
      ['with a wrong MAC', (cookie: string) => `${cookie.slice(0, -4)}AAAA`],
      ['of another form', () => 'refresh=daemun_rt1_abc'],
    ])('ends no session for a refresh cookie %s', async (_, change) => {
      const { email, password } = await verifiedPerson(app, mailbox, `forged-${change('x').length}`);
      const before = cookieOf(await logIn(email, password));
      const known = (await endings()).length;
      expect((await logIn(email, password, { cookie: change(before) })).status).toBe(200);
      expect(await endings()).toHaveLength(known);
      expect((await refresh(before)).status).toBe(200);
    });

    it('succeeds with a working session while other processes are unreachable', async () => {
      const { email, password } = await verifiedPerson(app, mailbox, 'nobody-told');
      const before = cookieOf(await logIn(email, password));
      const store = app.daemun.app.get(SessionStore, { strict: false });
      const evict = jest.spyOn(store, 'evictEverywhere').mockReturnValue(new Promise(() => {}));
      const answer = await logIn(email, password, { cookie: before });
      evict.mockRestore();
      expect(answer.status).toBe(200);
      expect((await refresh(cookieOf(answer))).status).toBe(200);
      expect((await refresh(before)).status).toBe(401);
    });

    it('ends no session when its response is lost', async () => {
      const { email, password } = await verifiedPerson(app, mailbox, 'answered-before');
      const before = cookieOf(await logIn(email, password));
      const { answer, finished } = await whileSlow(app, 'open', () =>
        logIn(email, password, { cookie: before }),
      );
      expect([answer.status, answer.headers.getSetCookie()]).toEqual([503, []]);
      await finished;
      expect((await refresh(before)).status).toBe(200);
    });

    it('ends no session when it fails', async () => {
      const { email, password } = await verifiedPerson(app, mailbox, 'failing');
      const before = cookieOf(await logIn(email, password));
      expect((await logIn(email, 'another password', { cookie: before })).status).toBe(401);
      expect((await refresh(before)).status).toBe(200);
    });
  });

  it('refuses cross-origin requests (CSRF)', async () => {
    const { email, password } = await verifiedPerson(app, mailbox, 'forged');
    const foreign: Record<string, string>[] = [
      { origin: 'https://evil.example' },
      { 'sec-fetch-site': 'cross-site' },
    ];
    for (const headers of foreign) {
      const response = await logIn(email, password, headers);
      expect(response.status).toBe(403);
      expect(await response.json()).toMatchObject({ code: 'origin_not_allowed' });
      expect(response.headers.get('set-cookie')).toBeNull();
    }
    expect((await logIn(email, password, { origin: app.config.publicUrl })).status).toBe(200);
  });

  it('uses the application of the request, not the last application of the process', async () => {
    const { email, password } = await verifiedPerson(app, mailbox, 'twohouses');
    const other = await startApp({ MAIL_URL: mailbox.url });
    const here = await logIn(email, password);
    const there = await post(other, '/auth/login', { email, password });
    await other.stop();
    expect([here.status, there.status]).toEqual([200, 401]);
  });
});

describe('a refused login', () => {
  it('does not reveal if the password is wrong, the address unknown or no password set', async () => {
    const { email } = await verifiedPerson(app, mailbox, 'owner');
    const social = await verifiedPerson(app, mailbox, 'social');
    await app.database.query('UPDATE auth.accounts SET password_hash = NULL WHERE email = $1', [
      social.email,
    ]);
    const seen = [];
    for (const address of [email, 'nobody@example.com', social.email]) {
      const before = finishedHashes();
      const response = await logIn(address, 'not the password');
      const { requestId, ...body } = (await response.json()) as Record<string, unknown>;
      expect(requestId).toEqual(expect.any(String));
      seen.push({
        status: response.status,
        body,
        headers: [...response.headers.keys()].toSorted(),
        hashes: finishedHashes() - before,
      });
    }
    expect(seen[0]).toMatchObject({ status: 401, body: { code: 'credentials_invalid' }, hashes: 1 });
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[2]).toEqual(seen[0]);
  });

  it('reports a disabled account only with the right password', async () => {
    const { email, password } = await verifiedPerson(app, mailbox, 'disabled');
    await app.database.query("UPDATE auth.accounts SET status = 'disabled' WHERE email = $1", [email]);
    const right = await logIn(email, password);
    expect([right.status, ((await right.json()) as { code: string }).code]).toEqual([
      403,
      'account_disabled',
    ]);
    expect((await logIn(email, 'not the password')).status).toBe(401);
  });

  it('is logged like a successful login, without the address or the password', async () => {
    // Nest's loggers write to the application that was started last.
    const own = await startApp({ MAIL_URL: mailbox.url });
    const { email, password } = await verifiedPerson(own, mailbox, 'logged');
    await post(own, '/auth/login', { email, password: 'a wrong guess' });
    await post(own, '/auth/login', { email, password });
    await own.stop();
    expect(own.log).toContainEqual(expect.objectContaining({ code: 'credentials_invalid' }));
    expect(own.log).toContainEqual(
      expect.objectContaining({ route: '/auth/login', status: 401, ip: expect.any(String) }),
    );
    const success = /^account [0-9a-f-]{36} logged in \(password\)$/;
    expect(own.log).toContainEqual(expect.objectContaining({ msg: expect.stringMatching(success) }));
    expect(JSON.stringify(own.log)).not.toMatch(/logged@|a wrong guess|own password/);
  });

  it('sets no cookie', async () => {
    expect((await logIn('nobody@example.com', 'some password')).headers.get('set-cookie')).toBeNull();
  });

  it('costs one password hash, like a registration, for any address', async () => {
    const { email } = await verifiedPerson(app, mailbox, 'again');
    for (const address of [email, 'fresh@example.com', 'fresh@example.com']) {
      const before = finishedHashes();
      await register(app, mailbox, { email: address, password: 'a fine password', nickname: 'Again' });
      expect(finishedHashes() - before).toBe(1);
    }
  });
});

describe('a malformed login request', () => {
  it.each([
    ['no password', { email: 'a@example.com' }],
    ['no address', { password: 'some password' }],
    ['an empty password', { email: 'a@example.com', password: '' }],
    ['an invalid address', { email: 'a', password: 'some password' }],
    ['a list for an address', { email: ['a@example.com'], password: 'some password' }],
    ['an object for a password', { email: 'a@example.com', password: { $ne: '' } }],
    ['an oversized password', { email: 'a@example.com', password: 'p'.repeat(129) }],
    ['a NUL in the password', { email: 'a@example.com', password: 'pass\0word' }],
    ['a lone surrogate', String.raw`{"email":"a@example.com","password":"\ud800"}`],
    ['an unknown member', { email: 'a@example.com', password: 'some password', admin: true }],
    ['an empty body', ''],
    ['null', 'null'],
  ])('with %s is refused before any password hashing', async (_, body) => {
    const before = finishedHashes();
    const response = await post(app, '/auth/login', body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'validation_failed' });
    expect(finishedHashes()).toBe(before);
  });

  it('ignores credentials in the query', async () => {
    const { email, password } = await verifiedPerson(app, mailbox, 'query');
    const query = new URLSearchParams({ email, password });
    expect((await post(app, `/auth/login?${query}`, {})).status).toBe(400);
  });
});

describe('a flood of logins', () => {
  it('is refused above the queue limit, with Retry-After', async () => {
    const hashes = app.daemun.app.get(PasswordHashes);
    const networks = ['127.0.0.1', '::1'].map(routedNetworkOf);
    const flood = { over: false };
    // The network of this login takes each place that becomes free.
    const sent = Array.from({ length: 200 }, async (_, i) => {
      const party = { key: networks[i % 2] ?? '' };
      while (!flood.over) await hashes.matches('some password', null, party).catch(() => setImmediate());
    });
    // Several, because a place may become free exactly when a login arrives.
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => logIn('nobody@example.com', 'some password')),
    );
    flood.over = true;
    await Promise.all(sent);
    const told = answers.map(({ status, headers }) => [status, headers.get('retry-after')]);
    expect(told).toContainEqual([503, '2']);
  });

  it('does not delay other requests', async () => {
    const hashes = app.daemun.app.get(PasswordHashes);
    const flood = Promise.allSettled(Array.from({ length: 60 }, () => hashes.matches('some password', null)));
    expect((await fetch(`${app.url}/health/live`)).status).toBe(200);
    expect(hashes.load.waiting).toBeGreaterThan(0);
    await flood;
  });
});

describe('a login during an outage', () => {
  it('of the database is answered 503, not as a wrong password', async () => {
    const own = await startApp({ MAIL_URL: mailbox.url });
    await own.database.destroy();
    const response = await post(own, '/auth/login', { email: 'a@example.com', password: 'some password' });
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('2');
    expect(await response.json()).toMatchObject({ code: 'temporarily_unavailable' });
    await own.database.initialize();
    await own.stop();
  });
});

describe('verification of an address', () => {
  it('refuses cross-origin requests (CSRF) without using up the token', async () => {
    const person = { email: 'csrf@example.com', password: 'a fine password', nickname: 'Csrf' };
    const token = tokenIn(await register(app, mailbox, person));
    const foreign = await post(app, '/auth/verify-email', { token }, { origin: 'https://evil.example' });
    expect(foreign.status).toBe(403);
    expect((await post(app, '/auth/verify-email', { token })).status).toBe(200);
  });
});
