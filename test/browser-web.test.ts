import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { LOGIN_ERRORS } from '../src/auth/social/login-error.js';
import { startChromium, visit, type Visit } from './support/chromium.js';
import { Mailbox } from './support/mailbox.js';
import { describeWith } from './support/programs.js';
import { startSocialApp, type SocialApp } from './support/social.js';

describeWith('chromium', 'in a browser', () => {
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
    // No violation of the content security policy, no script error, whatever was tried.
    expect(visitor.complaints).toEqual([]);
  });

  const shown = (selector: string, text?: string | RegExp) =>
    page
      .locator(selector)
      .filter({ visible: true, ...(text !== undefined && { hasText: text }) })
      .waitFor();
  const textOf = async (selector: string) => (await page.locator(selector).textContent()) ?? '';

  /** Through the provider's consent page and back. */
  async function logInWith(provider: string, persona = 'mina'): Promise<void> {
    await page.click(`.provider.${provider}`);
    await page.click(`button[name=persona][value=${persona}]`);
    await shown('#log-out');
  }

  describe('the page', () => {
    it.each(['google', 'kakao', 'naver'])('logs in with %s and shows who one is', async (provider) => {
      await page.goto('/');
      await logInWith(provider);
      expect(await textOf('#nickname')).not.toBe('');
      expect(JSON.parse(await textOf('#header'))).toMatchObject({ alg: 'ES256', typ: 'at+jwt' });
      expect(JSON.parse(await textOf('#payload'))).toMatchObject({ iss: app.url, roles: ['user'] });
      expect(await textOf('#seconds')).toMatch(/^\d+ seconds left$/);
    });

    it('keeps the token out of every storage and of the address', async () => {
      await page.goto('/');
      await logInWith('kakao');
      expect(new URL(page.url()).href).toBe(`${app.url}/`);
      expect(
        await page.evaluate('({ ...localStorage, ...sessionStorage, cookie: document.cookie })'),
      ).toEqual({
        cookie: '',
      });
    });

    it('knows one again after a reload', async () => {
      await page.goto('/');
      await logInWith('kakao');
      const name = await textOf('#nickname');
      await page.reload();
      await shown('#nickname', name);
    });

    it('gets a new token when asked to', async () => {
      await page.goto('/');
      await logInWith('kakao');
      const before = await textOf('#payload');
      await page.click('#renew');
      await shown('#message', 'Here is a new token.');
      expect(await textOf('#payload')).not.toBe(before);
    });

    it('keeps nothing of the person once one has logged out', async () => {
      await page.goto('/');
      await logInWith('kakao', 'mina');
      await page.click('#log-out');
      await shown('#login');
      const kept = await page.evaluate(() =>
        JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage), document.cookie]),
      );
      expect(kept).not.toMatch(/eyJ|nickname|refresh/);
      expect((await page.context().cookies()).filter(({ name }) => name.includes('refresh'))).toEqual([]);
      expect(await page.getByText('김미나').filter({ visible: true }).count()).toBe(0);
    });

    it('hides what is typed as a password, and takes what is pasted or filled in', async () => {
      await page.goto('/');
      await shown('input[autocomplete=current-password]');
      const fields = await page
        .locator('input[autocomplete=current-password], input[autocomplete=new-password]')
        .evaluateAll((inputs) =>
          (inputs as HTMLInputElement[]).map((input) => ({
            type: input.type,
            takesPaste: input.dispatchEvent(new ClipboardEvent('paste', { bubbles: true, cancelable: true })),
            roomy: input.maxLength === -1 || input.maxLength >= 128,
          })),
        );
      expect(fields).not.toEqual([]);
      for (const field of fields) expect(field).toEqual({ type: 'password', takesPaste: true, roomy: true });
      expect(await page.locator('input[type=password]').count()).toBe(fields.length);
    });

    it('logs out, and stays so', async () => {
      await page.goto('/');
      await logInWith('kakao');
      await page.click('#log-out');
      await shown('#login');
      await page.reload();
      await shown('#login');
    });

    it.each([
      ['an outage', 503],
      ['a failing network', undefined],
    ])('takes nobody for logged out because of %s', async (_, status) => {
      await page.goto('/');
      await logInWith('kakao');
      await page.route('**/auth/refresh', (route) =>
        status === undefined ? route.abort() : route.fulfill({ status, body: 'busy' }),
      );
      await page.reload();
      await shown('#unreachable');
      expect(await page.locator('#login').isVisible()).toBe(false);
      await page.unroute('**/auth/refresh');
      await page.click('#try-again');
      await shown('#log-out');
    });

    it('says that the session has ended when it was ended elsewhere', async () => {
      await page.goto('/');
      await logInWith('kakao');
      await page.context().request.post(`${app.url}/auth/logout`);
      await page.click('#renew');
      await shown('#message', 'Your session has ended.');
      await shown('#login');
    });

    it('shows the latest posts to everyone, as text', async () => {
      await page.route('**/boards/free/posts*', (route) =>
        route.fulfill({
          json: {
            items: [
              {
                title: '<b>bold</b>',
                author: null,
                commentCount: 2,
                likeCount: 1,
                createdAt: '2026-11-24T00:00:00Z',
              },
            ],
            nextCursor: null,
          },
        }),
      );
      await page.goto('/');
      await shown('#posts h3', '<b>bold</b>');
    });
  });

  describe('with an e-mail address', () => {
    async function fill(form: string, values: Record<string, string>): Promise<void> {
      for (const [name, value] of Object.entries(values)) await page.fill(`#${form}-${name}`, value);
      await page.click(`#${form} button.main`);
    }

    async function register(name: string): Promise<{ email: string; password: string; link: string }> {
      const person = {
        email: `${name.toLowerCase()}@example.com`,
        password: `${name} likes the sea`,
        nickname: name,
      };
      await page.goto('/');
      await page.click('[data-form=register]');
      await fill('register', person);
      await shown('#message.good', 'Check your mail');
      const [mail] = await mailbox.waitFor(person.email);
      return { ...person, link: /http\S+#verify-email=\S+/.exec(mail?.text ?? '')?.[0] ?? '' };
    }

    it('one registers, opens the link in the mail, and is inside', async () => {
      const { link } = await register('Hana');
      await page.goto(link);
      await shown('#nickname', 'Hana');
      expect(page.url()).toBe(`${app.url}/`);
    });

    it('one logs in again with the password', async () => {
      const { link, email, password } = await register('Duri');
      await page.goto(link);
      await page.click('#log-out');
      await fill('login', { email, password });
      await shown('#nickname', 'Duri');
    });

    it('one is told to open the link first', async () => {
      const { email, password } = await register('Seti');
      await fill('login', { email, password });
      await shown('#message.bad', 'not verified yet');
      await page.click('#resend');
      await shown('#message.good');
      expect(await mailbox.waitFor(email, 2)).toHaveLength(2);
    });

    it('a wrong password is told without saying what was wrong', async () => {
      await page.goto('/');
      await fill('login', { email: 'nobody@example.com', password: 'whatever it is' });
      await shown('#message.bad', 'The address or the password is wrong.');
    });

    it('what is wrong is told near each field, in the language of the page', async () => {
      await page.goto('/');
      await page.click('[data-form=register]');
      await fill('register', { email: 'x', password: 'short', nickname: 'a' });
      await shown('#register-email-error', 'valid e-mail address');
      await shown('#register-password-error', '8 to 128');
      await shown('#register-nickname-error', '2 to 20');
      expect(await page.evaluate('document.activeElement.id')).toBe('register-email');
      await page.click('#language');
      await shown('#register-email-error', '올바른 이메일');
    });
  });

  describe('a log-in that failed', () => {
    it('is explained in the words of either language for every reason, and a reload tells nothing', async () => {
      for (const code of LOGIN_ERRORS) {
        for (const [lang, script] of [
          ['ko', /\p{Script=Hangul}/u],
          ['en', /^[^\p{Script=Hangul}]+$/u],
        ] as const) {
          await page.goto(`/?lang=${lang}&login_error=${code}`);
          await shown('#message.bad', script);
          expect([code, await textOf('#message')]).not.toEqual([
            code,
            expect.stringContaining('did not work'),
          ]);
          expect(page.url()).toBe(`${app.url}/?lang=${lang}`);
        }
      }
    });

    it('is never told in words that came with the address', async () => {
      await page.goto('/?login_error=call-0900-1234');
      await shown('#message.bad', 'The log-in did not work.');
      expect(await page.content()).not.toContain('0900');
    });

    it('is told after cancelling at the provider', async () => {
      await page.goto('/');
      await page.click('.provider.naver');
      await page.click('button[name=persona][value=cancel]');
      await shown('#message.bad', 'You cancelled');
      expect(page.url()).toBe(`${app.url}/`);
    });
  });

  describe('the language', () => {
    it.each([
      ['ko-KR', 'ko', '로그인'],
      ['fr-FR', 'en', 'Log in'],
    ])('of a browser in %s is %s', async (locale, lang, title) => {
      const other = await visit(browser, app.url, { locale });
      await other.page.goto('/');
      await other.page.locator('#card-title', { hasText: title }).waitFor();
      expect(await other.page.getAttribute('html', 'lang')).toBe(lang);
      await other.page.context().close();
    });

    it('can be changed, and the address remembers it', async () => {
      await page.goto('/');
      await shown('#login');
      await page.click('#language');
      await shown('#card-title', '로그인');
      expect(await page.getAttribute('html', 'lang')).toBe('ko');
      expect(page.url()).toBe(`${app.url}/?lang=ko`);
    });
  });

  it.each(['/', '/docs'])('%s fits a phone', async (path) => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(path);
    await shown('.provider.google');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
  });

  it('takes the token of a link out of the address before anything is sent', async () => {
    const addresses: string[] = [];
    page.on('request', (request) => {
      if (request.url().endsWith('/auth/verify-email')) addresses.push(page.url());
    });
    await page.goto('/#verify-email=a.secret.token');
    await shown('#login');
    expect(addresses).toEqual([`${app.url}/`]);
    expect(await page.evaluate('history.length')).toBeLessThanOrEqual(2);
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
