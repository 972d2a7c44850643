import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { startChromium, visit, type Visit } from './support/chromium.js';
import { describeWith } from './support/programs.js';
import { startSocialApp, type SocialApp } from './support/social.js';

describeWith('chromium', 'in a browser', () => {
  let app: SocialApp;
  let browser: Browser;
  let visitor: Visit;
  let page: Page;
  beforeAll(async () => {
    app = await startSocialApp();
    browser = await startChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await app?.stop();
  });
  beforeEach(async () => {
    visitor = await visit(browser, app.url);
    page = visitor.page;
  });
  afterEach(async () => {
    await page.context().close();
    // No violation of the content security policy, no script error, whatever was tried.
    expect(visitor.complaints).toEqual([]);
  });

  const shown = (selector: string, text?: string | RegExp) =>
    page
      .locator(selector)
      .filter({ visible: true, ...(text !== undefined && { hasText: text }) })
      .waitFor();

  /** Through the provider's consent page and back. */
  async function logInWith(provider: string, persona = 'mina'): Promise<void> {
    await page.click(`.provider.${provider}`);
    await page.click(`button[name=persona][value=${persona}]`);
    await shown('#log-out');
  }

  it('/docs fits a phone', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto('/docs');
    await shown('.provider.google');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
  });

  describe('Swagger UI', () => {
    /** Tries `GET /users/me` out, and gives what was answered. */
    async function tryOut(): Promise<string> {
      const operation = page.locator('#operations-Users-usersReadOwn');
      if (!(await operation.locator('.execute').isVisible())) {
        await operation.locator('.opblock-summary-control').click();
      }
      await operation.locator('.execute').click();
      const answer = operation.locator('.live-responses-table .response');
      await answer.waitFor();
      return (await answer.textContent()) ?? '';
    }

    it('logs in by itself: nothing to copy or paste', async () => {
      await page.goto('/docs');
      await shown('#state', 'Not logged in');
      await logInWith('google');
      expect(page.url()).toBe(`${app.url}/docs`);
      await shown('#state', /^Logged in as .+$/);
      expect(await tryOut()).toMatch(/^200.*"nickname"/s);
    });

    it('stays logged in when it is reloaded', async () => {
      await page.goto('/docs');
      await logInWith('kakao');
      await page.reload();
      await shown('#state', 'Logged in as');
      expect(await tryOut()).toMatch(/^200/);
    });

    it('renews an expired token and repeats the request, without the person noticing', async () => {
      await page.goto('/docs');
      await logInWith('kakao');
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
      await page.goto('/docs');
      await logInWith('kakao');
      await page.click('#log-out');
      await shown('#state', 'Not logged in');
      expect(await tryOut()).toContain('access_token_missing');
    });

    it('tells that the session has ended when it was ended elsewhere', async () => {
      await page.goto('/docs');
      await logInWith('kakao');
      await page.context().request.post(`${app.url}/auth/logout`);
      await tryOut();
      await shown('#state', 'Not logged in');
    });

    it('says that a password is wrong', async () => {
      await page.goto('/docs');
      await page.click('.bar summary');
      await page.fill('#email', 'nobody@example.com');
      await page.fill('#password', 'whatever it is');
      await page.click('#login .main');
      await shown('#message', 'The address or the password is wrong.');
    });

    it('explains why a log-in failed', async () => {
      await page.goto('/docs');
      await page.click('.provider.kakao');
      await page.click('button[name=persona][value=cancel]');
      await shown('#message', 'You cancelled');
      expect(page.url()).toBe(`${app.url}/docs`);
    });
  });
});
