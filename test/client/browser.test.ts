import { rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { makeDataDir } from '../support/fixtures/data-dir.js';
import { freePorts } from '../support/servers/ports.mjs';
import { startChromium } from '../support/servers/chromium.js';
import {
  bundleClient,
  ClientBrowser,
  generations,
  hostPage,
  letTimePass,
  type ClientTab,
} from '../support/fixtures/client-page.js';
import { describeWith } from '../support/programs.js';
import { startSocialApp, type SocialApp } from '../support/fixtures/social.js';

/** Longer than the lifetime of an access token. */
const A_NAP = 900;

describeWith('chromium', 'the client in a browser', () => {
  let app: SocialApp;
  let bundle: string;
  let chromium: Browser;
  let browser: ClientBrowser;
  beforeAll(async () => {
    [app, bundle, chromium] = await Promise.all([startSocialApp(), bundleClient(), startChromium()]);
  });
  afterAll(async () => {
    await chromium?.close();
    await app?.stop();
  });
  beforeEach(async () => {
    await app.database.query('UPDATE auth.sessions SET ended_at = now() WHERE ended_at IS NULL');
    browser = await ClientBrowser.open(chromium, app, bundle);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await browser.close();
  });

  const reopen = async (options: Parameters<typeof ClientBrowser.open>[3]) => {
    await browser.close();
    browser = await ClientBrowser.open(chromium, app, bundle, options);
  };
  /** Returns the only generation of the session. */
  const generation = async () => (await generations(app))[0];
  const reasons = async (tab: ClientTab) => (await tab.changes()).map(({ reason }) => reason);
  /** Ends the session as another device does. */
  const endElsewhere = (who = browser) => who.context.request.post(`${app.url}/auth/logout`);

  it('returns to the previous page after a provider login', async () => {
    const tab = await browser.loggedIn();
    expect(await tab.run('location.href')).toBe(`${app.url}/tab`);
    expect(await tab.run('client.user')).toEqual({
      id: expect.any(String),
      roles: ['user'],
      sessionId: expect.any(String),
    });
    expect(await tab.status('/users/me')).toBe(200);
  });

  it('reports that it is logged out, and reads public data', async () => {
    const tab = await browser.tab();
    expect(await tab.run('client.user')).toBeNull();
    expect(await tab.status('/boards')).toBe(200);
  });

  it('determines the user before its first request', async () => {
    await browser.loggedIn();
    const tab = await browser.tab({ unasked: true });
    expect(await tab.run('client.user')).toBeUndefined();
    expect(await tab.status('/users/me')).toBe(200);
  });

  it('renews an expired token and repeats the request transparently', async () => {
    const tab = await browser.loggedIn();
    const requests = browser.watch('/users/me');
    await letTimePass(app, A_NAP);
    expect(await tab.status('/users/me')).toBe(200);
    expect(requests).toEqual(['GET', 'GET']);
  });

  it.each([
    ['a string', '`{"bio":"x"}`'],
    ['a blob', 'new Blob([`{"bio":"x"}`])'],
    ['bytes', 'new TextEncoder().encode(`{"bio":"x"}`)'],
  ])('repeats a request with its body: %s', async (_, body) => {
    const tab = await browser.loggedIn();
    await letTimePass(app, A_NAP);
    const init = `{ method: 'PATCH', headers: { 'content-type': 'application/json' }, body: ${body} }`;
    expect(await tab.status('/users/me', init)).toBe(200);
    expect(await tab.run('client.fetch("/users/me").then((response) => response.json())')).toMatchObject({
      bio: 'x',
    });
  });

  it('repeats a Request object of the caller', async () => {
    const tab = await browser.loggedIn();
    await letTimePass(app, A_NAP);
    const answer = await tab.run(`client.fetch(new Request('/users/me', {
      method: 'PATCH', headers: { 'content-type': 'application/json' }, body: '{"bio":"y"}',
    })).then((response) => response.json())`);
    expect(answer).toMatchObject({ bio: 'y' });
  });

  it('makes one rotation for five tabs that resume with an expired token', async () => {
    const first = await browser.loggedIn();
    const tabs = [first, await browser.tab(), await browser.tab(), await browser.tab(), await browser.tab()];
    await letTimePass(app, A_NAP);
    const before = (await generation()) ?? 0;
    expect(await Promise.all(tabs.map((tab) => tab.status('/users/me')))).toEqual([200, 200, 200, 200, 200]);
    expect(await generation()).toBe(before + 1);
    for (const tab of tabs) expect(await reasons(tab)).toEqual(['refresh', 'refresh']);
  });

  it('has one pending refresh at a time in all tabs together', async () => {
    const first = await browser.loggedIn();
    const tabs = [first, await browser.tab(), await browser.tab()];
    let underWay = 0;
    let most = 0;
    await browser.context.route('**/auth/refresh', async (route) => {
      most = Math.max(most, ++underWay);
      const response = await route.fetch();
      underWay--;
      await route.fulfill({ response });
    });
    await Promise.all(tabs.map((tab) => tab.run('client.refresh()')));
    expect(most).toBe(1);
  });

  it('retries a refresh after a lost response, and the session continues', async () => {
    const tab = await browser.loggedIn();
    for (const _ of ['once', 'and again, with the successor of what was lost']) {
      await letTimePass(app, A_NAP);
      await browser.loseNextAnswer('/auth/refresh');
      expect(await tab.status('/users/me')).toBe(200);
    }
    expect(await reasons(tab)).toEqual(['refresh', 'refresh', 'refresh']);
  });

  it('renews an expired token when the device resumes', async () => {
    await reopen({ clock: true });
    const tab = await browser.loggedIn();
    await letTimePass(app, A_NAP);
    // After the pause detector of the server has recovered; until then the server answers 503 and the client retries.
    const renewed = tab.page.waitForResponse(
      (response) => response.url().endsWith('/auth/refresh') && response.status() !== 503,
    );
    await tab.page.clock.fastForward(A_NAP * 1_000);
    expect((await renewed).status()).toBe(200);
  });

  it('renews a token ahead of expiry, so that no request has to wait or to be repeated', async () => {
    await reopen({ clock: true });
    const tab = await browser.loggedIn();
    const renewed = tab.page.waitForResponse('**/auth/refresh');
    const asked = browser.watch('/auth/refresh');
    // In small steps: a page whose clock jumps by minutes times out before a response can arrive.
    for (let passed = 0; passed < app.config.accessTokenTtlS * 900 && asked.length === 0; passed += 5_000) {
      await tab.page.clock.runFor(5_000);
    }
    await renewed;
    const requests = browser.watch('/users/me');
    await letTimePass(app, app.config.accessTokenTtlS * 0.95);
    expect(await tab.status('/users/me')).toBe(200);
    expect(requests).toEqual(['GET']);
  });

  it('renews nothing while the page is hidden, and at once when it is visible', async () => {
    await reopen({ clock: true });
    const tab = await browser.loggedIn();
    const refreshes = browser.watch('/auth/refresh');
    await tab.run('Object.defineProperty(document, "hidden", { configurable: true, value: true })');
    await tab.page.clock.runFor(A_NAP * 1_000);
    expect(refreshes).toEqual([]);
    const renewed = tab.page.waitForResponse('**/auth/refresh');
    await tab.run('{ delete document.hidden; document.dispatchEvent(new Event("visibilitychange")) }');
    expect((await renewed).status()).toBe(200);
  });

  it('determines the user again when the page returns from the back/forward cache', async () => {
    const tab = await browser.loggedIn();
    await endElsewhere();
    await tab.run('dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }))');
    await tab.changed(2);
    expect(await reasons(tab)).toEqual(['refresh', 'session_ended']);
  });

  it('determines the user as soon as the network is back', async () => {
    await reopen({ clock: true });
    const tab = await browser.loggedIn();
    await tab.page.reload();
    await tab.run('loaded');
    await browser.context.setOffline(true);
    expect(await tab.runFast('client.refresh().catch(({ code }) => code)')).toBe('unreachable');
    expect(await tab.run('client.user')).toBeUndefined();
    await browser.context.setOffline(false);
    await tab.changed(1);
    expect(await reasons(tab)).toEqual(['refresh']);
  });

  it('calls every listener even if another listener throws', async () => {
    const tab = await browser.loggedIn();
    await tab.run(
      '{ client.onChange(() => { throw new Error("oops") }); client.onChange(() => (globalThis.heard = true)) }',
    );
    await tab.run('client.refresh()');
    expect(await tab.run('heard')).toBe(true);
  });

  it('logs out, also after a reload', async () => {
    const tab = await browser.loggedIn();
    await tab.run('client.logout()');
    expect(await tab.run('client.user')).toBeNull();
    expect(await tab.status('/users/me')).toBe(401);
    await tab.page.reload();
    await tab.ready();
    expect(await tab.run('client.user')).toBeNull();
  });

  it('notifies the other tabs of a logout', async () => {
    const tab = await browser.loggedIn();
    const other = await browser.tab();
    await tab.run('client.logout()');
    await other.changed(2);
    expect(await reasons(other)).toEqual(['refresh', 'logout']);
    expect(await other.run('client.user')).toBeNull();
  });

  it('notifies the other tabs of a login', async () => {
    const other = await browser.tab();
    const tab = await browser.loggedIn();
    await other.changed(2);
    expect(await reasons(other)).toEqual(['refresh', 'login']);
    expect(await other.run('client.user')).toEqual(await tab.run('client.user'));
  });

  it('continues in other tabs when a login in one of them replaces the session', async () => {
    const tab = await browser.loggedIn();
    const other = await browser.tab();
    const before = await other.run('client.user.sessionId');
    await browser.loggedIn();
    expect(await other.status('/users/me')).toBe(200);
    expect(await tab.status('/users/me')).toBe(200);
    expect(await other.run('client.user.sessionId')).not.toBe(before);
    expect([...(await reasons(tab)), ...(await reasons(other))]).not.toContain('session_ended');
  });

  it('notifies each tab once of a session that ended elsewhere', async () => {
    const tab = await browser.loggedIn();
    const tabs = [tab, await browser.tab(), await browser.tab()];
    await endElsewhere();
    expect(await tab.status('/users/me')).toBe(401);
    for (const each of tabs) {
      await each.changed(2);
      await each.status('/users/me');
      expect(await each.changes()).toEqual([
        { reason: 'refresh', user: expect.anything() },
        { reason: 'session_ended', user: null },
      ]);
    }
  });

  it.each([
    ['says 503', 503],
    ['does not answer', undefined],
  ])('ends no session when the server %s', async (_, status) => {
    await reopen({ clock: true });
    const tab = await browser.loggedIn();
    await letTimePass(app, A_NAP);
    await browser.context.route('**/auth/refresh', (route) =>
      status === undefined ? route.abort() : route.fulfill({ status, body: 'busy' }),
    );
    const failed = await tab.runFast('client.fetch("/users/me").catch(({ name, code }) => ({ name, code }))');
    expect(failed).toEqual({ name: 'Failure', code: 'unreachable' });
    expect(await tab.run('client.user')).not.toBeNull();
    await browser.context.unroute('**/auth/refresh');
    expect(await tab.status('/users/me')).toBe(200);
    expect(await reasons(tab)).toEqual(['refresh', 'refresh']);
  });

  it('keeps the token out of reach of scripts and other tabs', async () => {
    await reopen({
      prepare: `
        globalThis.said = [];
        const say = BroadcastChannel.prototype.postMessage;
        BroadcastChannel.prototype.postMessage = function (message) { said.push(message); say.call(this, message) };`,
    });
    const tab = await browser.loggedIn();
    await browser.tab();
    await tab.run('client.refresh()');
    expect(await tab.run('({ ...localStorage, ...sessionStorage, cookie: document.cookie })')).toEqual({
      cookie: '',
    });
    expect(await tab.run('indexedDB.databases()')).toEqual([]);
    expect(
      await tab.run('performance.getEntriesByType("resource").map(({ name }) => name).join()'),
    ).not.toContain('eyJ');
    expect(
      await tab.run('JSON.stringify([said, changes, client, history.state, window.name])'),
    ).not.toContain('eyJ');
  });

  it('sends the token to the API only', async () => {
    const tab = await browser.loggedIn();
    const headers: Record<string, string>[] = [];
    await browser.context.route('http://elsewhere.test/**', (route) => {
      headers.push(route.request().headers());
      return route.fulfill({ headers: { 'access-control-allow-origin': '*' }, body: '' });
    });
    expect(await tab.status('http://elsewhere.test/')).toBe(200);
    expect(headers).toHaveLength(1);
    expect(headers[0]).not.toHaveProperty('authorization');
  });

  it.each([
    ['a day behind', '- 86_400_000'],
    ['a day ahead', '+ 86_400_000'],
  ])('works with a clock that is %s, without additional refreshes', async (_, shift) => {
    await reopen({ prepare: `{ const now = Date.now; Date.now = () => now() ${shift} }` });
    const tab = await browser.loggedIn();
    const refreshes = browser.watch('/auth/refresh');
    expect(await tab.status('/users/me')).toBe(200);
    expect(await tab.status('/users/me')).toBe(200);
    expect(refreshes).toEqual([]);
  });

  describe.each([
    ['without Web Locks', 'Object.defineProperty(Navigator.prototype, "locks", { value: undefined });'],
    ['without BroadcastChannel', 'delete globalThis.BroadcastChannel;'],
    [
      'without either',
      'delete globalThis.BroadcastChannel; Object.defineProperty(Navigator.prototype, "locks", { value: undefined });',
    ],
  ])('%s', (_, prepare) => {
    beforeEach(() => reopen({ prepare }));

    it('makes one rotation for five tabs that resume with an expired token', async () => {
      const first = await browser.loggedIn();
      const tabs = [
        first,
        await browser.tab(),
        await browser.tab(),
        await browser.tab(),
        await browser.tab(),
      ];
      await letTimePass(app, A_NAP);
      const before = (await generation()) ?? 0;
      const statuses = await Promise.all(tabs.map((tab) => tab.status('/users/me')));
      expect(statuses).toEqual([200, 200, 200, 200, 200]);
      expect(await generation()).toBe(before + 1);
    });

    it('detects a logout in another tab at the next request', async () => {
      const tab = await browser.loggedIn();
      const other = await browser.tab();
      await tab.run('client.logout()');
      expect(await other.status('/users/me')).toBe(401);
      expect(await other.run('client.user')).toBeNull();
    });

    it('detects a logout in another tab when it is visible again', async () => {
      const tab = await browser.loggedIn();
      const other = await browser.tab();
      await tab.run('client.logout()');
      await other.run('document.dispatchEvent(new Event("visibilitychange", { bubbles: true }))');
      await other.changed(2);
      expect(await other.run('client.user')).toBeNull();
    });
  });

  describe('on an origin other than the API’s', () => {
    let origin: string;
    let api: SocialApp;
    let host: { readonly origin: string; close(): void };
    beforeAll(async () => {
      host = await hostPage(bundle);
      ({ origin } = host);
      api = await startSocialApp({ WEB_ORIGINS: origin });
    });
    afterAll(async () => {
      await api?.stop();
      host?.close();
    });
    beforeEach(async () => {
      await browser.close();
      browser = await ClientBrowser.open(chromium, api, bundle, { origin });
    });

    it('logs in on another origin, and returns to the page', async () => {
      const tab = await browser.loggedIn();
      expect(await tab.run('location.href')).toBe(`${origin}/tab`);
      expect(await tab.status('/users/me')).toBe(200);
    });

    it('renews an expired token on another origin, and repeats the request', async () => {
      const tab = await browser.loggedIn();
      await letTimePass(api, A_NAP);
      expect(await tab.status('/users/me')).toBe(200);
    });

    it('logs out on another origin', async () => {
      const tab = await browser.loggedIn();
      await tab.run('client.logout()');
      await tab.page.reload();
      await tab.ready();
      expect(await tab.run('client.user')).toBeNull();
    });
  });

  it('continues after a restart of the server', async () => {
    const dataDir = makeDataDir();
    const [port] = await freePorts(1);
    const place = { DATA_DIR: dataDir, PORT: String(port) };
    let mortal = await startSocialApp(place);
    try {
      await browser.close();
      browser = await ClientBrowser.open(chromium, mortal, bundle);
      const tab = await browser.loggedIn();
      await mortal.stop();
      const refreshed = tab.run('client.refresh()');
      mortal = await startSocialApp(place);
      expect(await refreshed).toEqual(expect.objectContaining({ roles: ['user'] }));
      await letTimePass(mortal, A_NAP);
      expect(await tab.status('/users/me')).toBe(200);
      expect(await reasons(tab)).toEqual(['refresh', 'refresh', 'refresh']);
    } finally {
      await mortal.stop();
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
});
