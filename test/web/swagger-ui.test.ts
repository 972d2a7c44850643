import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { startChromium, visit, type Visit } from '../support/servers/chromium.js';
import { Mailbox } from '../support/servers/mailbox.js';
import { verifiedPerson } from '../support/fixtures/people.js';
import { describeWith } from '../support/programs.js';
import { startSocialApp, type SocialApp } from '../support/fixtures/social.js';
import { logInWithoutPages } from '../support/fixtures/web-page.js';

describeWith('chromium', 'Swagger UI', () => {
  let mailbox: Mailbox;
  let app: SocialApp;
  let browser: Browser;
  let visitor: Visit;
  let page: Page;
  beforeAll(async () => {
    mailbox = await Mailbox.open();
    app = await startSocialApp({ MAIL_URL: mailbox.url });
    browser = await startChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await app?.stop();
    await mailbox?.close();
  });
  beforeEach(async () => {
    visitor = await visit(browser, app.url);
    page = visitor.page;
  });
  afterEach(async () => {
    await page.context().close();
    // No violation of the Content-Security-Policy and no script error, in any test.
    expect(visitor.complaints).toEqual([]);
  });

  const bar = () => page.locator('.bar');
  const button = (name: string) => bar().getByRole('button', { name, exact: true });
  const says = (text: string | RegExp) => bar().getByText(text).waitFor();

  /** Goes to the provider's consent page and back. */
  async function logInWith(provider: string): Promise<void> {
    await page.click(`.provider.${provider}`);
    await page.click('button[name=persona][value=mina]');
    await button('Log out').waitFor();
  }

  async function openLoggedIn(): Promise<void> {
    await logInWithoutPages(page.context().request, 'mina');
    await page.goto('/docs');
    await button('Log out').waitFor();
  }

  const operation = () => page.locator('#operations-Users-usersReadOwn');

  /** Executes `GET /users/me`, and returns the response. */
  async function tryOut(): Promise<string> {
    if (!(await operation().locator('.execute').isVisible())) {
      await operation().locator('.opblock-summary-control').click();
    }
    await operation().locator('.execute').click();
    const answer = operation().locator('.live-responses-table .response');
    await answer.waitFor();
    return (await answer.textContent()) ?? '';
  }

  it.each(['google', 'kakao', 'naver'])('logs in with %s without copying a token', async (provider) => {
    await page.goto('/docs');
    await says('Not logged in');
    await logInWith(provider);
    expect(page.url()).toBe(`${app.url}/docs`);
    await says(/^Logged in as \S+/);
    expect(await tryOut()).toMatch(/^200.*"nickname"/s);
  });

  it('logs in with an e-mail address', async () => {
    const { email, password, nickname } = await verifiedPerson(app, mailbox, 'hana');
    await page.goto('/docs');
    await bar().getByText('Log in with e-mail').click();
    await bar().getByLabel('E-mail').fill(email);
    await bar().getByLabel('Password').fill(password);
    await button('Log in').click();
    await says(`Logged in as ${nickname}`);
    expect(await tryOut()).toMatch(/^200/);
  });

  it('is logged in after a reload', async () => {
    await openLoggedIn();
    await page.reload();
    await says(/^Logged in as/);
    expect(await tryOut()).toMatch(/^200/);
  });

  it('shows curl commands that work unchanged', async () => {
    await openLoggedIn();
    await tryOut();
    const command = await operation().locator('.curl').innerText();
    const [, authorization = ''] = /'Authorization: (Bearer [^']+)'/.exec(command) ?? [];
    const answer = await fetch(`${app.url}/users/me`, { headers: { authorization } });
    expect(answer.status).toBe(200);
  });

  it('renews an expired token and repeats the request transparently', async () => {
    await openLoggedIn();
    const tokens: (string | undefined)[] = [];
    await page.route('**/users/me', (route) => {
      tokens.push(route.request().headers()['authorization']);
      return tokens.length > 1
        ? route.continue()
        : route.fulfill({
            status: 401,
            contentType: 'application/problem+json',
            json: { code: 'access_token_expired' },
          });
    });
    expect(await tryOut()).toMatch(/^200/);
    expect(new Set(tokens).size).toBe(2);
  });

  it('logs out, and then sends no token', async () => {
    await openLoggedIn();
    await button('Log out').click();
    await says('Not logged in');
    expect(await tryOut()).toContain('access_token_missing');
  });

  it('dismisses outdated messages after a new login', async () => {
    const { email, password, nickname } = await verifiedPerson(app, mailbox, 'duri');
    await openLoggedIn();
    await button('Log out').click();
    await says('You are logged out.');
    await bar().getByText('Log in with e-mail').click();
    await bar().getByLabel('E-mail').fill(email);
    await bar().getByLabel('Password').fill(password);
    await button('Log in').click();
    await says(`Logged in as ${nickname}`);
    expect(await bar().getByText('You are logged out.').count()).toBe(0);
  });

  it('follows a logout in another tab', async () => {
    await openLoggedIn();
    const other = await page.context().newPage();
    await other.goto('/docs');
    await other.locator('.bar').getByRole('button', { name: 'Log out' }).click();
    await says('Not logged in');
    expect(await tryOut()).toContain('access_token_missing');
  });

  it('reports a session that was ended elsewhere', async () => {
    await openLoggedIn();
    await page.context().request.post(`${app.url}/auth/logout`);
    await tryOut();
    await says('Your session has ended.');
    await says('Not logged in');
  });

  it('stays logged in during an outage', async () => {
    await openLoggedIn();
    // The page also retries by itself: only requests after the click are let through.
    await page.route('**/auth/refresh', async (route) =>
      (await page.evaluate(() => document.body.dataset['clicked'])) === 'yes'
        ? route.continue()
        : route.fulfill({ status: 503, headers: { 'retry-after': '30' }, body: 'busy' }),
    );
    await page.reload();
    await says('We cannot tell just now whether you are logged in');
    await page.evaluate(() =>
      document.addEventListener('click', () => (document.body.dataset['clicked'] = 'yes'), { capture: true }),
    );
    await button('Try again').click();
    await says(/^Logged in as/);
  });

  it('sends a pasted token unchanged', async () => {
    await openLoggedIn();
    await page.locator('.btn.authorize').click();
    await page.locator('.auth-container button', { hasText: 'Logout' }).first().click();
    await page.locator('.auth-container input').first().fill('pasted');
    await page.locator('.auth-container button.authorize').first().click();
    await page.locator('.btn-done').first().click();
    expect(await tryOut()).toContain('access_token_invalid');
  });

  it('reports a wrong password', async () => {
    await page.goto('/docs');
    await bar().getByText('Log in with e-mail').click();
    await bar().getByLabel('E-mail').fill('nobody@example.com');
    await bar().getByLabel('Password').fill('whatever it is');
    await button('Log in').click();
    await says('The address or the password is wrong.');
  });

  it('explains a failed login', async () => {
    await page.goto('/docs');
    await page.click('.provider.kakao');
    await page.click('button[name=persona][value=cancel]');
    await says('You cancelled the login.');
    expect(page.url()).toBe(`${app.url}/docs`);
  });

  it('is translated to Korean', async () => {
    await page.goto('/docs');
    await button('한국어').click();
    await says('로그인하지 않음');
    await page.reload();
    await says('로그인하지 않음');
  });

  it('keeps the token out of storage, cookies and the address', async () => {
    await openLoggedIn();
    await tryOut();
    const kept = '[{ ...localStorage, ...sessionStorage }, document.cookie, location.href]';
    expect(await page.evaluate(kept)).toEqual([{}, '', `${app.url}/docs#/Users/usersReadOwn`]);
  });

  it('fits a phone', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto('/docs');
    await page.locator('.provider.google').waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
  });

  it('has no serious axe violation', async () => {
    await openLoggedIn();
    await tryOut();
    for (const id of ['Boards-boardsCreate', 'Boards-postsList', 'Boards-likesLike'])
      await page.locator(`#operations-${id} .opblock-summary-control`).click();
    await page.locator('#operations-Boards-likesLike .execute').waitFor();
    // In Swagger UI's own part, axe objects to some headings and landmarks. No violation there is serious.
    expect(await judge('violations.filter(({ impact }) => /serious|critical/.test(impact))')).toEqual([]);
  });

  it.each(['한국어', 'English'])('has no axe violation at all in its bar, in %s', async (language) => {
    await page.goto('/docs');
    await button('한국어').click();
    if (language === 'English') await button('English').click();
    await bar().locator('summary').click();
    expect(await judge('violations', '.bar')).toEqual([]);
  });

  /** Returns the violations of axe in a part of the page, identified by `which`. */
  async function judge(which: string, place = 'body'): Promise<unknown> {
    await page.evaluate(readFileSync('node_modules/axe-core/axe.min.js', 'utf8'));
    return page.evaluate(`axe.run('${place}').then(({ violations }) => ${which}
      .flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ': ' + html)))`);
  }
});
