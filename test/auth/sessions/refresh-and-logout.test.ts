import { rmSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Sessions } from '../../../src/auth/sessions/sessions.js';
import { signedIn } from '../../support/fixtures/actors.js';
import { Browser, type Page } from '../../support/fixtures/browser.js';
import { makeDataDir } from '../../support/fixtures/data-dir.js';
import { Mailbox } from '../../support/servers/mailbox.js';
import { post, verifiedPerson } from '../../support/fixtures/people.js';
import { PostgresServer } from '../../support/servers/postgres-server.js';
import { describeWith } from '../../support/programs.js';
import { startSocialApp, type SocialApp } from '../../support/fixtures/social.js';
import { until } from '../../support/until.js';

let mailbox: Mailbox;
let app: SocialApp;
beforeAll(async () => {
  mailbox = await Mailbox.open();
  app = await startSocialApp({ MAIL_URL: mailbox.url });
});
afterAll(async () => {
  await app.stop();
  await mailbox.close();
});

let people = 0;
/** Returns the refresh cookie of a new login. */
async function logIn(on = app): Promise<string> {
  const page = await new Browser(on.url).logInWith('kakao', `user-${++people}`);
  return cookieIn(page.headers) ?? 'there is no cookie';
}
/** Returns the value that a response sets for the cookie; empty if it clears the cookie. */
function cookieIn(headers: Headers): string | undefined {
  return /^(?:__Host-Http-)?refresh=([^;]*)/m.exec(headers.getSetCookie().join('\n'))?.[1];
}
async function call(
  path: 'refresh' | 'logout',
  cookie: string | undefined,
  headers: Record<string, string> = {},
  on = app,
) {
  const sent = { ...headers, ...(cookie === undefined ? {} : { cookie: `refresh=${cookie}` }) };
  const response = await fetch(`${on.url}/auth/${path}`, {
    method: 'POST',
    headers: sent,
  });
  const text = await response.text();
  const body = (text === '' ? {} : JSON.parse(text)) as { code?: string; accessToken?: string };
  return { status: response.status, cookie: cookieIn(response.headers), headers: response.headers, body };
}
const me = (token: string | undefined, on = app) =>
  fetch(`${on.url}/users/me`, { headers: { authorization: `Bearer ${token}` } });
/** Advances the time of every session by moving its timestamps back. */
const pass = (ms: number) =>
  app.database.query('UPDATE auth.sessions SET rotated_at = rotated_at - $1, issued_at = issued_at - $1', [
    ms,
  ]);

describe('a refresh', () => {
  it('responds with an access token, and puts the successor only into the cookie', async () => {
    const first = await logIn();
    const { status, body, cookie, headers } = await call('refresh', first);
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(body).toEqual({
      accessToken: expect.any(String),
      tokenType: 'Bearer',
      expiresIn: expect.any(Number),
    });
    expect(cookie).toMatch(/^daemun_rt1_[\w-]{96}$/);
    expect(cookie).not.toBe(first);
    expect((await me(body.accessToken)).status).toBe(200);
  });

  it('hides the cookie from scripts, from paths outside /auth and from other sites', async () => {
    const { headers } = await call('refresh', await logIn());
    expect(headers.getSetCookie()).toEqual([
      expect.stringMatching(/^refresh=[\w-]+; Max-Age=15552000; Path=\/; HttpOnly; SameSite=Strict$/),
    ]);
  });

  it('returns the same successor, byte for byte, to parallel requests', async () => {
    const cookie = await logIn();
    const answers = await Promise.all(Array.from({ length: 20 }, () => call('refresh', cookie)));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(new Set(answers.map((answer) => answer.cookie)).size).toBe(1);
  });

  it('returns the same successor to a retry after a lost response', async () => {
    const cookie = await logIn();
    const lost = await call('refresh', cookie);
    expect((await call('refresh', cookie)).cookie).toBe(lost.cookie);
  });

  it('succeeds hours after a lost response', async () => {
    const cookie = await logIn();
    await call('refresh', cookie);
    await pass(3 * 3_600_000);
    const recovered = await call('refresh', cookie);
    expect(recovered.status).toBe(200);
    await pass(60_000);
    expect((await call('refresh', recovered.cookie)).status).toBe(200);
  });

  it('ends the session of owner and thief on reuse, and revokes its access tokens', async () => {
    const stolen = await logIn();
    const owner = await call('refresh', stolen);
    await pass(60_000);
    const next = await call('refresh', owner.cookie);
    await pass(60_000);
    const thief = await call('refresh', stolen);
    expect(thief).toMatchObject({ status: 401, body: { code: 'session_ended' }, cookie: '' });
    expect(await call('refresh', next.cookie)).toMatchObject({
      status: 401,
      body: { code: 'session_ended' },
    });
    expect((await me(next.body.accessToken)).status).toBe(401);
  });

  it.each([
    ['no cookie', undefined],
    ['an empty cookie', ''],
    ['a cookie of another kind', 'daemun_rt2_abc'],
    ['a forged cookie', `daemun_rt1_${'A'.repeat(96)}`],
  ])('is refused with %s, and leaves the cookie unchanged', async (_, cookie) => {
    const answer = await call('refresh', cookie);
    expect(answer).toMatchObject({ status: 401, body: { code: 'refresh_token_invalid' } });
    expect(answer.headers.getSetCookie()).toEqual([]);
  });

  it('is refused when any character of the refresh token was changed', async () => {
    const cookie = await logIn();
    for (let at = 'daemun_rt1_'.length; at < cookie.length; at += 7) {
      const other = cookie[at] === 'A' ? 'B' : 'A';
      const changed = cookie.slice(0, at) + other + cookie.slice(at + 1);
      expect((await call('refresh', changed)).body.code).toBe('refresh_token_invalid');
    }
  });

  it('ends the session of a disabled account', async () => {
    const cookie = await logIn();
    await app.database.query(`UPDATE auth.accounts SET status = 'disabled'`);
    expect(await call('refresh', cookie)).toMatchObject({
      status: 401,
      body: { code: 'session_ended' },
      cookie: '',
    });
    await app.database.query(`UPDATE auth.accounts SET status = 'active'`);
    expect((await call('refresh', cookie)).status).toBe(401);
  });

  it.each([
    ['another origin', { origin: 'https://evil.example' }],
    ['an opaque origin', { origin: 'null' }],
    ['another site', { 'sec-fetch-site': 'cross-site' }],
  ])('is refused to a page of %s (CSRF) without using up the token', async (_, headers) => {
    const cookie = await logIn();
    expect(await call('refresh', cookie, headers)).toMatchObject({
      status: 403,
      body: { code: 'origin_not_allowed' },
    });
    expect((await call('refresh', cookie)).status).toBe(200);
  });

  it('is accepted from pages of an allowed origin', async () => {
    const headers = { origin: app.config.webOrigins[0], 'sec-fetch-site': 'same-origin' };
    expect((await call('refresh', await logIn(), headers)).status).toBe(200);
  });

  it('leaves no token in the log', async () => {
    const cookie = await logIn();
    const { body, cookie: successor = '' } = await call('refresh', cookie);
    await call('logout', successor);
    // The log has lines only for refused requests.
    const refused = () => app.log.filter(({ msg, status }) => msg === 'request' && status === 401).length;
    const before = refused();
    for (const token of [`${cookie.slice(0, -1)}~`, cookie, successor]) await call('refresh', token);
    await me(body.accessToken);
    await until(() => refused() === before + 4);
    const log = JSON.stringify(app.log);
    for (const secret of [cookie, successor, body.accessToken ?? '']) {
      expect(log).not.toContain(secret.slice(-30));
      expect(log).not.toContain(secret.slice(-60, -30));
    }
  });
});

describe('a provider login over an existing session of the same browser', () => {
  /** Returns the refresh cookie of a browser with a new login, and the browser. */
  async function browserOf(persona: string, provider = 'kakao') {
    const browser = new Browser(app.url);
    const page = await browser.logInWith(provider, persona);
    return { browser, cookie: cookieIn(page.headers) ?? '' };
  }

  it.each([
    ['the same account', 'mina'],
    ['another account', 'user-9001'],
  ])(
    'ends the replaced session of %s, although the callback does not carry its cookie',
    async (_, persona) => {
      const { browser, cookie } = await browserOf('mina');
      const next = cookieIn((await browser.logInWith('kakao', persona)).headers);
      const answers = [await call('refresh', cookie), await call('refresh', next)];
      expect(answers.map(({ status }) => status)).toEqual([401, 200]);
    },
  );

  it('ends the session of a refresh cookie that the callback carries', async () => {
    const { cookie } = await browserOf('mina');
    const other = new Browser(app.url);
    const callback = await other.choose('user-9002', await other.goTo('kakao'));
    await other.jar.setCookie(`refresh=${cookie}; Path=/; HttpOnly`, app.url);
    expect(cookieIn((await other.request(callback)).headers)).toMatch(/^daemun_rt1_/);
    expect((await call('refresh', cookie)).body.code).toBe('session_ended');
  });

  it('ends no session when it fails', async () => {
    const { browser, cookie } = await browserOf('mina');
    expect((await browser.logInWith('kakao', 'cancel')).location).toContain('login_error=access_denied');
    expect((await call('refresh', cookie)).status).toBe(200);
  });

  it('revokes the access tokens of the replaced session at once', async () => {
    const { browser, cookie } = await browserOf('mina');
    const { body, cookie: current = '' } = await call('refresh', cookie);
    await browser.jar.setCookie(`refresh=${current}; Path=/; HttpOnly`, app.url);
    await browser.logInWith('kakao', 'mina');
    expect(await (await me(body.accessToken)).json()).toMatchObject({ code: 'session_ended' });
  });

  it('does not let another account finish the account linking of the replaced session', async () => {
    const { browser } = await browserOf('mina', 'google');
    const consent = await beginToLink(browser);
    await browser.logInWith('kakao', 'user-9003');
    await expectNotLinked(browser, consent);
  });

  it('ends a session that another tab opened with a provider in the meantime', async () => {
    const browser = new Browser(app.url);
    const tabs = [await browser.goTo('kakao'), await browser.goTo('kakao')];
    const cookies = [];
    for (const tab of tabs)
      cookies.push(
        cookieIn((await browser.request(await browser.choose('mina', tab), {}, 'elsewhere')).headers),
      );
    const answers = [await call('refresh', cookies[0]), await call('refresh', cookies[1])];
    expect(answers.map(({ status }) => status)).toEqual([401, 200]);
  });

  it('ends a session that another tab opened with a password in the meantime', async () => {
    const { cookie, finish } = await twoTabs('other-tab');
    const next = cookieIn((await finish()).headers);
    const answers = [await call('refresh', cookie), await call('refresh', next)];
    expect(answers.map(({ status }) => status)).toEqual([401, 200]);
  });

  it('does not let another account finish the account linking of another tab', async () => {
    const { browser, password, finish } = await twoTabs('other-tab-links');
    const consent = await beginToLink(browser, { password });
    await finish();
    await expectNotLinked(browser, consent);
  });

  it('discards pending account linking, also after a link from another site', async () => {
    const { browser } = await browserOf('mina', 'google');
    const consent = await beginToLink(browser);
    const start = await browser.request(`${app.url}/auth/kakao`, {}, 'elsewhere');
    const tab = await browser.request(start.location!, {}, 'elsewhere');
    await browser.request(await browser.choose('user-9005', tab), {}, 'elsewhere');
    await expectNotLinked(browser, consent);
  });

  /** Returns a browser with a pending login, and a session opened after its start. */
  async function twoTabs(name: string) {
    const browser = new Browser(app.url);
    const tab = await browser.goTo('kakao');
    const { email, password } = await verifiedPerson(app, mailbox, name);
    const { headers } = await browser.request(`${app.url}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password }),
    });
    const finish = async () => browser.request(await browser.choose('user-9004', tab), {}, 'elsewhere');
    return { browser, cookie: cookieIn(headers), password, finish };
  }

  /** Starts linking an identity of Naver. Returns the consent page. */
  async function beginToLink(browser: Browser, body: object = {}) {
    const link = await browser.request(`${app.url}/auth/identities/naver`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await browser.accessToken()}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify(body),
    });
    return browser.request((JSON.parse(link.text) as { url: string }).url, {}, 'elsewhere');
  }

  /** Gives consent and expects that nothing is linked. */
  async function expectNotLinked(browser: Browser, consent: Page) {
    const before = await app.database.query("SELECT FROM auth.identities WHERE provider = 'naver'");
    const back = await browser.request(await browser.choose(`user-${++people}`, consent), {}, 'elsewhere');
    expect(back.location).toContain('login_error=login_attempt_invalid');
    const after = await app.database.query("SELECT FROM auth.identities WHERE provider = 'naver'");
    expect(after).toEqual(before);
  }
});

describe('a request with the cookie of a session that a login has just replaced', () => {
  async function replaced(): Promise<string> {
    const browser = new Browser(app.url);
    const cookie = cookieIn((await browser.logInWith('kakao', 'mina')).headers) ?? '';
    await browser.logInWith('kakao', 'mina');
    return cookie;
  }

  it('keeps the cookie of the new session on refresh, and is to be repeated', async () => {
    const answer = await call('refresh', await replaced());
    expect(answer).toMatchObject({ status: 401, body: { code: 'session_ended' } });
    expect([answer.headers.getSetCookie(), answer.headers.get('retry-after')]).toEqual([[], '1']);
  });

  it('keeps the cookie of the new session on logout', async () => {
    const answer = await call('logout', await replaced());
    expect([answer.status, answer.headers.getSetCookie()]).toEqual([204, []]);
  });

  it.each(['refresh', 'logout'] as const)('clears the cookie after the grace: %s', async (path) => {
    const cookie = await replaced();
    await app.database.query("UPDATE auth.sessions SET ended_at = ended_at - interval '21 s'");
    const answer = await call(path, cookie);
    expect([answer.cookie, answer.headers.get('retry-after')]).toEqual(['', null]);
  });
});

describe('the stored session', () => {
  it('property 5: does not suffice to compute a refresh token', async () => {
    const { cookie = '' } = await call('refresh', await logIn());
    const bytes = Buffer.from(cookie.slice('daemun_rt1_'.length), 'base64url');
    const secrets = [bytes.subarray(4, 36), bytes.subarray(40)];
    const tables = await app.database.query<{ name: string }[]>(
      `SELECT schemaname || '.' || tablename AS name FROM pg_tables WHERE schemaname IN ('auth', 'profile', 'board')`,
    );
    expect(tables.length).toBeGreaterThan(8);
    for (const { name } of tables) {
      const rows = JSON.stringify(await app.database.query(`SELECT t::text FROM ${name} t`));
      for (const secret of secrets) {
        expect(rows).not.toContain(secret.toString('hex'));
        expect(rows).not.toContain(secret.toString('base64url').slice(0, -1));
      }
    }
  });
});

describe('a logout', () => {
  it('clears the cookie, and ends the session and its access tokens at once', async () => {
    const { cookie, body } = await call('refresh', await logIn());
    expect(await call('logout', cookie)).toMatchObject({ status: 204, cookie: '' });
    expect((await call('refresh', cookie)).body.code).toBe('session_ended');
    expect(await (await me(body.accessToken)).json()).toMatchObject({ code: 'session_ended' });
  });

  it('ends the session also with an old refresh token', async () => {
    const old = await logIn();
    const { cookie } = await call('refresh', old);
    await call('logout', old);
    expect((await call('refresh', cookie)).body.code).toBe('session_ended');
  });

  it.each([
    ['no cookie', undefined],
    ['a malformed cookie', 'nonsense'],
  ])('is answered 204 for %s', async (_, cookie) => {
    expect((await call('logout', cookie)).status).toBe(204);
  });

  it('is refused to a page of another origin (CSRF)', async () => {
    const cookie = await logIn();
    expect((await call('logout', cookie, { origin: 'https://evil.example' })).status).toBe(403);
    expect((await call('refresh', cookie)).status).toBe(200);
  });

  it('persists through a restart of the server', async () => {
    const dataDir = makeDataDir();
    const before = await startSocialApp({ DATA_DIR: dataDir });
    const { cookie, body } = await call('refresh', await logIn(before), {}, before);
    const other = await call('refresh', await logIn(before), {}, before);
    await call('logout', cookie, {}, before);
    await before.stop();
    const after = await startSocialApp({ DATA_DIR: dataDir, PORT: String(before.config.port) });
    expect((await me(other.body.accessToken, after)).status).toBe(200);
    expect((await me(body.accessToken, after)).status).toBe(401);
    await after.stop();
    rmSync(dataDir, { recursive: true });
  });

  it('ends no other session', async () => {
    const other = await logIn();
    await call('logout', await logIn());
    expect((await call('refresh', other)).status).toBe(200);
  });
});

describeWith('postgres', 'while the database is unavailable', () => {
  let server: PostgresServer;
  let shaky: SocialApp;
  beforeAll(async () => {
    server = await PostgresServer.start();
    shaky = await startSocialApp({ DATABASE_URL: server.url });
  });
  afterAll(async () => {
    await shaky.stop();
    await server.stop();
  });

  it('property 6 (an outage ends no session): refreshes get 503 and keep the cookie', async () => {
    const { cookie, body } = await call('refresh', await logIn(shaky), {}, shaky);
    await server.crash();
    const refused = await call('refresh', cookie, {}, shaky);
    expect(refused).toMatchObject({ status: 503, body: { code: 'temporarily_unavailable' } });
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(refused.headers.getSetCookie()).toEqual([]);
    const stays = await call('logout', cookie, {}, shaky);
    expect(stays.status).toBe(503);
    expect(stays.headers.getSetCookie()).toEqual([]);
    expect((await me(body.accessToken, shaky)).status).toBe(503);
    expect((await fetch(`${shaky.url}/health/ready`)).status).toBe(503);
    expect((await fetch(`${shaky.url}/health/live`)).status).toBe(200);
    const back = await new Browser(shaky.url).logInWith('kakao', 'mina');
    expect(back.location).toContain('login_error=temporarily_unavailable');

    await server.restart();
    expect((await call('refresh', cookie, {}, shaky)).status).toBe(200);
  });
});

it('an account id does not reveal the time of the registration', async () => {
  const page = await new Browser(app.url).logInWith('naver', `user-${++people}`);
  const { body } = await call('refresh', cookieIn(page.headers));
  const { id } = (await (await me(body.accessToken)).json()) as { id: string };
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
});

describe('the refresh cookie on https', () => {
  const [NAME, FORMER] = ['__Host-Http-refresh', '__Host-refresh'];
  let secure: SocialApp;
  beforeAll(async () => {
    secure = await startSocialApp({ PUBLIC_URL: 'https://localhost', MAIL_URL: mailbox.url });
  });
  afterAll(() => secure.stop());

  /** Returns a refresh token of a new session. */
  const open = async () => {
    const { id } = await signedIn(secure);
    const { refreshToken } = await secure.daemun.app
      .get(Sessions, { strict: false })
      .open({ accountId: id, roles: ['user'], method: 'kakao' });
    return refreshToken;
  };
  const headerOf = (cookies: Record<string, string>) =>
    Object.entries(cookies)
      .map(([name, value]) => `${name}=${value}`)
      .join('; ');
  const send = async (path: string, cookies: Record<string, string>) => {
    const sent = { cookie: headerOf(cookies) };
    const { status, headers } = await fetch(`${secure.url}${path}`, { method: 'POST', headers: sent });
    return { status, cookies: headers.getSetCookie() };
  };
  const set = new RegExp(
    `^${NAME}=daemun_rt1_[\\w-]+; Max-Age=15552000; Path=/; HttpOnly; Secure; SameSite=Strict$`,
  );
  const cleared = (name: string) =>
    expect.stringMatching(new RegExp(`^${name}=; (?=.*Secure)(?=.*Path=/)(?=.*Expires=Thu, 01 Jan 1970)`));

  it('has the prefix __Host-Http-', async () => {
    expect(await send('/auth/refresh', { [NAME]: await open() })).toEqual({
      status: 200,
      cookies: [expect.stringMatching(set)],
    });
  });

  it('is accepted under its former name, which the successor replaces', async () => {
    expect(await send('/auth/refresh', { [FORMER]: await open() })).toEqual({
      status: 200,
      cookies: [expect.stringMatching(set), cleared(FORMER)],
    });
  });

  it('takes precedence over a cookie of the former name', async () => {
    const [current, former] = [await open(), await open()];
    await send('/auth/logout', { [FORMER]: former });
    const { status } = await send('/auth/refresh', { [FORMER]: former, [NAME]: current });
    expect(status).toBe(200);
  });

  it('falls back to the former name if the new name holds no token of this server', async () => {
    const { status } = await send('/auth/refresh', { [FORMER]: await open(), [NAME]: 'made-up' });
    expect(status).toBe(200);
  });

  describe('when the browser has refresh cookies of both names', () => {
    let both: Record<string, string>;
    beforeEach(async () => {
      both = { [FORMER]: await open(), [NAME]: await open() };
    });
    const statuses = () =>
      Promise.all(
        Object.entries(both).map(
          async ([name, token]) => (await send('/auth/refresh', { [name]: token })).status,
        ),
      );

    it('loses both sessions by a logout', async () => {
      await send('/auth/logout', both);
      expect(await statuses()).toEqual([401, 401]);
    });

    it('loses both sessions by a login with a password', async () => {
      const { email, password } = await verifiedPerson(secure, mailbox, 'both-names');
      await post(secure, '/auth/login', { email, password }, { cookie: headerOf(both) });
      expect(await statuses()).toEqual([401, 401]);
    });

    it('loses both sessions by a login with a provider', async () => {
      const start = await fetch(`${secure.url}/auth/kakao`, {
        redirect: 'manual',
        headers: { cookie: headerOf(both) },
      });
      const browser = new Browser(secure.url);
      const consent = await browser.request(start.headers.get('location')!, {}, 'elsewhere');
      const { pathname, search } = new URL(await browser.choose('mina', consent));
      const attempt = start.headers.getSetCookie()[0]!.split(';', 1)[0]!;
      await fetch(secure.url + pathname + search, { redirect: 'manual', headers: { cookie: attempt } });
      expect(await statuses()).toEqual([401, 401]);
    });
  });

  it('is cleared under both names by a logout', async () => {
    const both = { [FORMER]: await open(), [NAME]: await open() };
    expect(await send('/auth/logout', both)).toEqual({
      status: 204,
      cookies: [cleared(NAME), cleared(FORMER)],
    });
  });
});
