import { describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { describeWith } from '../support/programs.js';
import { useWebPage } from '../support/fixtures/web-page.js';

describeWith('chromium', 'the state that the page keeps of an account', () => {
  const web = useWebPage();
  const SECRET = 'A SECRET DRAFT';

  /** Returns the storage of the tab, read from another page of the same origin. */
  async function storedAfterLeaving(page: Page = web.page): Promise<unknown> {
    page.on('dialog', (dialog) => void dialog.accept().catch(() => {}));
    await page.goto('/docs/openapi.json');
    return page.evaluate('({ ...sessionStorage })');
  }

  /** Writes a draft as Mina, who is logged in. The page remains open. */
  async function write(page: Page = web.page): Promise<void> {
    await page.goto('/b/free/write');
    await web.sees('.editor', undefined, page);
    await page.getByLabel('Text', { exact: true }).fill(SECRET);
  }

  const draft = (page: Page = web.page) => page.locator('[name=body]').inputValue();

  /** Ends the session. The page learns of it with its next request. */
  async function endSession(): Promise<void> {
    await web.page.context().request.post(`${web.app.url}/auth/logout`);
    await web.fillIn({ Title: 'A private title' }, 'Publish');
    await web.sees('.note.bad', 'Your session has ended');
  }

  async function logOut(page: Page = web.page): Promise<void> {
    await page.click('.mine');
    await web.press('Log out', page);
    await web.sees('.note.good', 'You are logged out.', page);
  }

  describe('a draft', () => {
    it('is stored while its author leaves the page, and for no other user', async () => {
      await web.openAs('mina', '/');
      await write();
      expect(JSON.stringify(await storedAfterLeaving())).toContain(SECRET);
      await web.page.goto('/b/free/write');
      await web.sees('.editor');
      expect(await draft()).toBe(SECRET);
      await logOut();
      expect(await storedAfterLeaving()).toEqual({});
    });

    it('is deleted by a logout, also for the next account', async () => {
      const { email, password } = await web.register('Bomi');
      await web.page.context().clearCookies();
      await web.openAs('mina', '/');
      await write();
      await logOut();
      await web.page.click('.home details summary');
      await web.fillIn({ 'E-mail': email, Password: password }, 'Log in');
      await web.sees('h1', 'Welcome in, Bomi');
      expect(await storedAfterLeaving()).toEqual({});
    });

    it('is deleted when its author logs in again after a logout', async () => {
      const { email, password } = await web.register('Sora');
      await write();
      await logOut();
      await web.page.click('.home details summary');
      await web.fillIn({ 'E-mail': email, Password: password }, 'Log in');
      await web.sees('h1', 'Welcome in, Sora');
      await web.page.click('a[href="/b/free"]');
      await web.press('Write');
      await web.sees('.editor');
      expect(await draft()).toBe('');
    });

    it('is deleted by a logout in another tab', async () => {
      await web.openAs('mina', '/');
      await write();
      const tab = await web.page.context().newPage();
      await tab.goto('/me');
      await web.press('Log out', tab);
      await web.sees('.note.good', 'You are logged out.');
      expect(await storedAfterLeaving()).toEqual({});
    });

    it('is deleted by a logout in another tab while the page was left', async () => {
      await web.openAs('mina', '/');
      await write();
      expect(JSON.stringify(await storedAfterLeaving())).toContain(SECRET);
      const tab = await web.page.context().newPage();
      await tab.goto('/me');
      await web.press('Log out', tab);
      await web.sees('.note.good', 'You are logged out.', tab);
      await web.page.goto('/');
      await web.sees('.home.outside');
      expect(await storedAfterLeaving()).toEqual({});
    });

    it('is deleted by a login of another account in another tab', async () => {
      await web.openAs('mina', '/');
      await write();
      await web.takePlace('naver', 'jun');
      await web.page.waitForFunction(
        () => document.querySelector<HTMLTextAreaElement>('[name=body]')?.value === '',
      );
      expect(await storedAfterLeaving()).toEqual({});
    });

    it('is not stored after the end of its session, except on the way to a provider', async () => {
      await web.openAs('mina', '/');
      await write();
      await endSession();
      expect(await storedAfterLeaving()).toEqual({});
    });

    it('is deleted by a login of another account after the end of its session', async () => {
      await web.openAs('mina', '/');
      await write();
      await endSession();
      await web.logInWith('naver', 'jun');
      await web.sees('.editor');
      expect(await draft()).toBe('');
      expect(await storedAfterLeaving()).toEqual({});
    });

    it('survives a cancelled provider login and a login with the next provider', async () => {
      await web.openAs('mina', '/');
      await write();
      await endSession();
      await web.page.click('.provider.google');
      await web.page.click('button[name=persona][value=cancel]');
      await web.sees('.note.bad', 'You cancelled');
      await web.logInWith('kakao');
      await web.sees('.editor');
      expect(await draft()).toBe(SECRET);
    });

    it('is deleted by a logout on the page of Swagger UI', async () => {
      await web.openAs('mina', '/');
      await write();
      web.page.on('dialog', (dialog) => void dialog.accept());
      await web.page.goto('/docs');
      await web.sees('.standing', 'Logged in as');
      await web.press('Log out');
      await web.sees('.standing', 'Not logged in');
      expect(await storedAfterLeaving()).toEqual({});
    });

    it('is deleted in the back/forward cache by a login of another account', async () => {
      // Like a frozen page, this page receives no message of the other tab.
      await web.page.addInitScript('delete window.BroadcastChannel');
      await web.openAs('mina', '/');
      await write();
      await web.page.evaluate(() => dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })));
      await web.takePlace('naver', 'jun');
      expect(await draft()).toBe(SECRET);
      await web.page.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
      await web.page.waitForFunction(
        () => document.querySelector<HTMLTextAreaElement>('[name=body]')?.value === '',
      );
      expect(await web.page.evaluate('({ ...sessionStorage })')).toEqual({});
      expect(await storedAfterLeaving()).toEqual({});
    });
  });

  it('contains no edited comment after a logout in another tab', async () => {
    await web.openAs('mina', '/b/free/write');
    await web.fillIn({ Title: 'Whose comment?', Text: 'Mine.' }, 'Publish');
    await web.fillIn({ 'Your comment': 'Hello' }, 'Comment');
    await web.page.locator('.comment').getByRole('button', { name: 'Edit' }).click();
    await web.page.locator('.comment textarea').fill(SECRET);
    const tab = await web.page.context().newPage();
    await tab.goto('/me');
    await web.press('Log out', tab);
    await web.sees('.note.good', 'You are logged out.');
    await web.sees('.comment .said', 'Hello');
    expect(await web.page.locator('textarea').count()).toBe(0);
  });

  it('contains no like of another user while the post cannot be loaded', async () => {
    await web.openAs('mina', '/b/free/write');
    await web.fillIn({ Title: 'Liked by Mina', Text: 'Yes.' }, 'Publish');
    await web.page.click('.like');
    await web.sees('.like.liked', '1');
    await web.page.route('**/posts/*', (route) => route.abort());
    const tab = await web.page.context().newPage();
    await tab.goto('/me');
    await web.press('Log out', tab);
    await web.sees('.note.good', 'You are logged out.');
    await web.sees('.like:not(.liked)', '1');
  });

  it('contains no request of the previous account in the panel', async () => {
    const requests = () => web.page.locator('.journal li').allTextContents();
    await web.openAs('mina', '/me/sessions');
    await web.sees('.rows .tag', 'this one');
    await web.press('Watch it work');
    await web.sees('.journal li', '/auth/sessions');
    await logOut();
    expect((await requests()).filter((line) => /auth\/sessions|users\/me/.test(line))).toEqual([]);
  });

  it('contains no experiment from before a logout in another tab', async () => {
    await web.openAs('mina', '/');
    await web.press('Watch it work');
    await web.press('Let the token expire now');
    await web.sees('.watch .hint', 'The next request meets an expired token');
    const tab = await web.page.context().newPage();
    await tab.goto('/me');
    await web.press('Log out', tab);
    await web.sees('.note.good', 'You are logged out.');
    expect(await web.page.getByText('The next request meets an expired token').count()).toBe(0);
  });

  it('contains no response in Swagger UI of the previous account', async () => {
    const operation = web.page.locator('#operations-Users-usersReadOwn');
    await web.openAs('mina', '/');
    await web.page.goto('/docs');
    await web.sees('.standing', 'Logged in as');
    await operation.locator('.opblock-summary-control').click();
    await operation.locator('.execute').click();
    await operation.getByText('"nickname": "김미나"').first().waitFor();
    await web.takePlace('naver', 'jun');
    await web.sees('.standing', '이준');
    expect(await web.page.getByText('"nickname": "김미나"').count()).toBe(0);
  });
});
