import { request as httpRequest } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Browser, loginErrorOf, type Page } from '../../support/fixtures/browser.js';
import { type SocialApp, startSocialApp } from '../../support/fixtures/social.js';

let app: SocialApp;
let browser: Browser;
beforeAll(async () => {
  app = await startSocialApp();
});
afterAll(() => app.stop());
beforeEach(() => {
  app.sandbox.clearRequests();
  browser = new Browser(app.url);
});
afterEach(() => void jest.restoreAllMocks());

/** A callback to which the provider has redirected `browser`, and which the browser has not followed yet. */
async function pendingCallback(provider = 'google'): Promise<URL> {
  return new URL(await browser.choose('mina', await browser.goTo(provider)));
}
const follow = (url: URL | string, client = browser): Promise<Page> =>
  client.request(String(url), {}, 'elsewhere');
const changed = (url: URL, members: Record<string, string | undefined>): URL => {
  const copy = new URL(url);
  for (const [name, value] of Object.entries(members))
    if (value === undefined) copy.searchParams.delete(name);
    else copy.searchParams.set(name, value);
  return copy;
};

/** Expects that no login succeeded, the page got the error, and the provider received no token request. */
function expectRefused(page: Page, code = 'login_attempt_invalid'): void {
  expect([page.status, loginErrorOf(page)]).toEqual([303, code]);
  expect(page.headers.getSetCookie().filter((line) => line.startsWith('refresh='))).toEqual([]);
  expect(app.calls('token')).toBe(0);
}

describe('a callback without a transaction of this browser (login csrf)', () => {
  it.each([
    ['no state', undefined],
    ['an empty state', ''],
    ['a state of another form', 'abc'],
    ['a state of the right form', `01920000-0000-7000-8000-000000000000.${'a'.repeat(43)}`],
    ['a state of ten thousand characters', 'a'.repeat(10_000)],
    ['a state that is a member name of every object', '__proto__'],
  ])('is refused with %s', async (_, state) => {
    const url = changed(await pendingCallback(), { state });
    const page = await follow(url);
    expectRefused(page);
    expect(page.location).toBe(`${app.url}/?login_error=login_attempt_invalid`);
  });

  it('is refused with the secret of another transaction', async () => {
    const url = await pendingCallback();
    const other = (await pendingCallback()).searchParams.get('state')!;
    const mixed = `${url.searchParams.get('state')!.split('.')[0]}.${other.split('.')[1]}`;
    expectRefused(await follow(changed(url, { state: mixed })));
  });

  it('is refused with two states', async () => {
    const url = await pendingCallback();
    url.searchParams.append('state', url.searchParams.get('state')!);
    expectRefused(await follow(url));
  });

  it('is refused in another browser', async () => {
    expectRefused(await follow(await pendingCallback(), new Browser(app.url)));
  });

  it('is refused in another browser with its own transaction: an injected code', async () => {
    const mine = await pendingCallback();
    const victim = new Browser(app.url);
    await victim.goTo('google');
    expectRefused(await follow(mine, victim));
  });

  it('is refused at another provider, and uses the transaction up', async () => {
    const url = await pendingCallback('google');
    const elsewhere = new URL(url);
    elsewhere.pathname = '/auth/kakao/callback';
    expectRefused(await follow(elsewhere));
    expectRefused(await follow(url));
  });

  it('is refused at an unknown provider', async () => {
    const url = await pendingCallback();
    url.pathname = '/auth/facebook/callback';
    expectRefused(await follow(url));
  });

  it('is refused with a transaction cookie encrypted under another key', async () => {
    const url = await pendingCallback();
    const id = url.searchParams.get('state')!.split('.')[0]!;
    const cookie = `oauth-transaction-${id}=eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..aaaaaaaaaaaaaaaa.aaaa.aaaaaaaaaaaaaaaaaaaaaa`;
    expectRefused(await new Browser(app.url).request(url.href, { headers: { cookie } }));
  });

  it('is refused after ten minutes by the clock of the server', async () => {
    const url = await pendingCallback();
    const cookie = await browser.jar.getCookieString(app.url);
    const now = Date.now();
    jest.spyOn(Date, 'now').mockReturnValue(now + 601_000);
    expectRefused(await new Browser(app.url).request(url.href, { headers: { cookie } }));
  });

  it('is refused if its issuer (iss) is not the provider', async () => {
    expectRefused(await follow(changed(await pendingCallback(), { iss: 'https://evil.example' })));
  });
});

describe('a login that a page of another site starts', () => {
  const start = (headers: Record<string, string>, query = '', on = app) =>
    fetch(`${on.url}/auth/naver${query}`, { redirect: 'manual', headers });
  const NAVIGATION = { 'sec-fetch-dest': 'document', 'sec-fetch-mode': 'navigate' };
  const ELSEWHERE = { ...NAVIGATION, 'sec-fetch-site': 'cross-site' };

  it('does not start without a click: the confirmation page comes first (csrf)', async () => {
    const answer = await start(ELSEWHERE, '?returnTo=/b/free?q=a%2526b');
    const page = new URL(answer.headers.get('location') ?? '');
    expect([answer.status, page.origin + page.pathname]).toEqual([303, `${app.config.webOrigins[0]}/login`]);
    expect(Object.fromEntries(page.searchParams)).toEqual({
      provider: 'naver',
      returnTo: `${app.config.webOrigins[0]}/b/free?q=a%26b`,
    });
    expect(answer.headers.getSetCookie()).toEqual([]);
  });

  it.each([
    ['a followed link', { ...ELSEWHERE, 'sec-fetch-user': '?1' }],
    ['our own page', { ...NAVIGATION, 'sec-fetch-site': 'same-origin' }],
    ['a page of the same site', { ...NAVIGATION, 'sec-fetch-site': 'same-site' }],
    ['the address bar', { ...NAVIGATION, 'sec-fetch-site': 'none' }],
    ['a browser without Fetch Metadata', {}],
  ])('starts through %s', async (_, headers) => {
    const answer = await start(headers);
    expect(answer.status).toBe(302);
    expect(answer.headers.getSetCookie()).toEqual([expect.stringMatching(/^oauth-transaction-/)]);
  });

  it('is refused for a returnTo outside the allowed origins', async () => {
    expect((await start(ELSEWHERE, '?returnTo=https://evil.example')).status).toBe(400);
  });
});

describe('a login transaction', () => {
  it('is good for one callback (replay)', async () => {
    const url = await pendingCallback();
    expect(loginErrorOf(await follow(url))).toBeUndefined();
    app.sandbox.clearRequests();
    expectRefused(await follow(url));
  });

  it('is good for one callback also when the cookie was kept (replay)', async () => {
    const url = await pendingCallback();
    const cookie = await browser.jar.getCookieString(app.url);
    await follow(url);
    app.sandbox.clearRequests();
    expectRefused(await new Browser(app.url).request(url.href, { headers: { cookie } }));
  });

  it('is used up by an error response', async () => {
    const url = await pendingCallback();
    const cookie = await browser.jar.getCookieString(app.url);
    expectRefused(
      await follow(changed(url, { code: undefined, iss: undefined, error: 'access_denied' })),
      'access_denied',
    );
    expectRefused(await new Browser(app.url).request(url.href, { headers: { cookie } }));
  });

  it('is used up by a callback without a code, which starts no new transaction', async () => {
    const url = await pendingCallback();
    expectRefused(await follow(changed(url, { code: undefined })));
    expectRefused(await follow(url));
  });

  it('accepts neither two codes nor an oversized code', async () => {
    const twice = await pendingCallback();
    twice.searchParams.append('code', 'another');
    expectRefused(await follow(twice));
    expectRefused(await follow(changed(await pendingCallback(), { code: 'a'.repeat(5_000) })));
  });

  it('has an HttpOnly cookie that survives the cross-site callback', async () => {
    const start = await browser.request(`${app.url}/auth/kakao`);
    const [line] = start.headers.getSetCookie();
    expect(line).toMatch(
      /^oauth-transaction-[0-9a-f-]{36}=[^;]+; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/,
    );
  });

  it('has a cookie that is encrypted', async () => {
    const start = await browser.request(`${app.url}/auth/google?returnTo=/secret-page`);
    const value = start.headers.getSetCookie()[0]!.split(';')[0]!;
    const parts = value.split('.').map((part) => Buffer.from(part, 'base64url').toString('latin1'));
    const challenge = new URL(start.location!).searchParams;
    for (const secret of ['secret-page', challenge.get('state')!, challenge.get('nonce')!])
      expect(parts.join(' ')).not.toContain(secret);
  });

  it('evicts the oldest when the browser already has five', async () => {
    const states = [];
    for (let n = 0; n < 7; n += 1) {
      const { url } = await browser.goTo('google');
      states.push(new URL(url).searchParams.get('state')!.split('.')[0]!);
    }
    const names = await browser.cookieNames();
    expect(names.toSorted()).toEqual(states.slice(2).map((id) => `oauth-transaction-${id}`));
  });

  it('keeps the cookies below the header limits of proxies for any length of returnTo', async () => {
    for (let n = 0; n < 6; n += 1)
      await browser.request(`${app.url}/auth/google?returnTo=/${String(n).repeat(980)}`);
    expect((await browser.jar.getCookieString(app.url)).length).toBeLessThan(6_000);
    expect(await browser.cookieNames()).not.toEqual([]);
  });
});

describe('an error response of the provider', () => {
  it.each([
    ['access_denied', 'access_denied'],
    ['consent_required', 'access_denied'],
    ['interaction_required', 'access_denied'],
    ['login_required', 'access_denied'],
    ['server_error', 'provider_unavailable'],
    ['temporarily_unavailable', 'provider_unavailable'],
    ['invalid_scope', 'provider_misconfigured'],
    ['unauthorized_client', 'provider_misconfigured'],
    ['invalid_request', 'provider_misconfigured'],
    ['unsupported_response_type', 'provider_misconfigured'],
    ['something_new', 'provider_rejected'],
    ['constructor', 'provider_rejected'],
    ['', 'provider_rejected'],
    ['<script>alert(1)</script>', 'provider_rejected'],
    ['a'.repeat(5_000), 'provider_rejected'],
  ])('%.60s is mapped to %s', async (error, code) => {
    const url = changed(await pendingCallback('kakao'), { code: undefined, error });
    expectRefused(await follow(url), code);
  });

  it('raises no alarm, because any page can forge it', async () => {
    const before = app.log.length;
    await follow(changed(await pendingCallback('kakao'), { code: undefined, error: 'invalid_client' }));
    const lines = app.log.slice(before).filter(({ loginError }) => loginError === 'provider_misconfigured');
    expect(lines).toMatchObject([{ level: 'warn' }]);
  });

  it('takes precedence over a code', async () => {
    const url = changed(await pendingCallback('naver'), { error: 'access_denied' });
    expectRefused(await follow(url), 'access_denied');
  });

  it('is ignored without a transaction', async () => {
    const url = changed(await pendingCallback(), { error: 'server_error' });
    expectRefused(await follow(url, new Browser(app.url)));
  });

  it('is refused when it occurs twice', async () => {
    const url = changed(await pendingCallback('kakao'), { code: undefined, error: 'access_denied' });
    url.searchParams.append('error', 'server_error');
    expectRefused(await follow(url));
  });

  it('never puts its error_description into the page or the log', async () => {
    const error_description = '<img src=x onerror=alert(1)>';
    const url = changed(await pendingCallback('naver'), { error: 'access_denied', error_description });
    const page = await follow(url);
    expect(`${page.location}${page.text}${JSON.stringify(app.log)}`).not.toContain('onerror');
  });
});

describe('the start of a login', () => {
  it('ignores a code parameter', async () => {
    const start = await browser.request(`${app.url}/auth/google?code=abc&state=def&error=access_denied`);
    expect(start.status).toBe(302);
    expect(start.location).toMatch(`${app.sandbox.url}/accounts.google.com/o/oauth2/v2/auth?`);
    expect(new URL(start.location!).searchParams.has('code')).toBe(false);
  });

  it.each(['/auth/google', '/auth/google/callback'])('refuses a code in a body: POST %s', async (path) => {
    const answer = await fetch(app.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ code: 'abc' }),
    });
    expect(answer.status).toBe(404);
  });

  it('is never cached, and sends no referrer', async () => {
    const start = await browser.request(`${app.url}/auth/google`);
    expect(start.headers.get('cache-control')).toBe('no-store');
    expect(start.headers.get('referrer-policy')).toBe('no-referrer');
  });

  it('builds no URL from the Host header', async () => {
    const location = await new Promise<string | undefined>((resolve, reject) => {
      const headers = {
        host: 'evil.example',
        'x-forwarded-host': 'evil.example',
        'x-forwarded-proto': 'https',
      };
      httpRequest(`${app.url}/auth/naver`, { headers }, (answer) => resolve(answer.headers.location))
        .on('error', reject)
        .end();
    });
    expect(new URL(location!).searchParams.get('redirect_uri')).toBe(`${app.url}/auth/naver/callback`);
    expect(location).not.toContain('evil');
  });
});

describe('a login transaction on https', () => {
  it('has a cookie with the prefix __Host-', async () => {
    const secure = await startSocialApp({ PUBLIC_URL: 'https://localhost' });
    try {
      const start = await fetch(`http://localhost:${secure.config.port}/auth/google`, { redirect: 'manual' });
      expect(start.headers.getSetCookie()).toEqual([
        expect.stringMatching(
          /^__Host-oauth-transaction-[0-9a-f-]{36}=[^;]+; Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
        ),
      ]);
      const callback = `http://localhost:${secure.config.port}/auth/google/callback`;
      const answer = await fetch(callback, { redirect: 'manual' });
      expect(answer.headers.get('location')).toBe('https://localhost/?login_error=login_attempt_invalid');
    } finally {
      await secure.stop();
    }
  });
});

describe('the log of logins', () => {
  it('has the reason of each failed transaction, but no state, code or cookie', async () => {
    const url = await pendingCallback('kakao');
    const cookie = (await browser.jar.getCookieString(app.url)).split('=')[1]!;
    app.log.length = 0;
    await follow(url, new Browser(app.url));
    await follow(url);
    await follow(url);
    const reasons = app.log.filter(({ loginError }) => loginError !== undefined).map(({ reason }) => reason);
    expect(reasons).toEqual(['this browser has no such transaction', 'this browser has no such transaction']);
    const text = JSON.stringify(app.log);
    for (const secret of [url.searchParams.get('state')!, url.searchParams.get('code')!, cookie])
      expect(text).not.toContain(secret);
  });
});

describe('the start of a login by navigation', () => {
  const start = (headers: Record<string, string>) =>
    fetch(`${app.url}/auth/kakao`, { redirect: 'manual', headers });

  it.each(['image', 'iframe', 'empty', 'script'])(
    'succeeds for a top-level navigation, but not for the destination %s',
    async (destination) => {
      const response = await start({ 'sec-fetch-dest': destination });
      expect(response.headers.getSetCookie()).toEqual([]);
      expect(await response.json()).toMatchObject({ status: 400, code: 'bad_request' });
    },
  );

  it('succeeds for clients without Fetch Metadata', async () => {
    expect((await start({ 'sec-fetch-dest': 'document' })).status).toBe(302);
    expect((await start({})).status).toBe(302);
  });
});
