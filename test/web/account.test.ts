import { describe, expect, it } from '@jest/globals';
import { describeWith } from '../support/programs.js';
import { useWebPage } from '../support/fixtures/web-page.js';

describeWith('chromium', 'the account page in a browser', () => {
  const web = useWebPage();

  /** Clicks a button with a confirmation, and confirms. */
  async function confirm(name: string): Promise<void> {
    await web.press(name);
    await web.page.click('dialog[open] .danger');
  }

  it('changes the profile, and shows the change at once', async () => {
    await web.openAs('mina', '/me');
    await web.sees('form');
    await web.fillIn(
      { Nickname: 'Mina the Tiler', Picture: 'https://k.kakaocdn.net/me.svg', 'About me': 'I lay tiles.' },
      'Save',
    );
    await web.sees('.note.good', 'Saved.');
    await web.sees('.mine img');
    await web.page.goto('/');
    await web.sees('h1', 'Welcome in, Mina the Tiler');
  });

  it('follows a change of the user in another tab', async () => {
    await web.openAs('mina', '/me');
    await web.sees('form');
    await web.page.getByLabel('About me').fill('I am Mina.');
    await web.takePlace('google', 'jun');
    await web.sees('[name=nickname][value="이준"]');
    expect(await web.page.getByLabel('About me').inputValue()).toBe('');
    await web.press('Activity');
    await web.sees('.events li', /^Logged in · Google/);
    expect(await web.page.locator('.events', { hasText: 'Kakao' }).count()).toBe(0);
  });

  it('shows no unsaved input to the next user after the end of the session', async () => {
    const { email, password } = await web.register('Anna');
    await web.page.context().clearCookies();
    await web.openAs('mina', '/me');
    await web.sees('form');
    await web.page.getByLabel('About me').fill('I am Mina.');
    await web.page.context().request.post(`${web.app.url}/auth/logout`);
    await web.fillIn({}, 'Save');
    await web.fillIn({ 'E-mail': email, Password: password }, 'Log in');
    await web.sees('[name=nickname][value=Anna]');
    expect(await web.page.getByLabel('About me').inputValue()).toBe('');
  });

  it('dismisses outdated messages', async () => {
    const { email, password } = await web.register('Nuri');
    await web.page.goto('/me');
    await web.sees('form');
    await web.fillIn({}, 'Save');
    await web.sees('.note.good', 'Saved.');
    await web.fillIn({ Nickname: 'x' }, 'Save');
    await web.sees('.wrong', '2 to 20');
    expect(await web.page.getByText('Saved.').count()).toBe(0);
    await web.page.context().request.post(`${web.app.url}/auth/logout`);
    await web.press('Sessions');
    await web.sees('.note.bad', 'Your session has ended.');
    await web.fillIn({ 'E-mail': email, Password: password }, 'Log in');
    await web.sees('.rows .tag', 'this one');
    expect(await web.page.locator('.note').allTextContents()).toEqual([]);
  });

  it('shows validation errors of the profile next to their fields', async () => {
    await web.openAs('mina', '/me');
    await web.sees('form');
    await web.fillIn({ Nickname: 'x', Picture: 'http://pictures.example/me.svg' }, 'Save');
    await web.sees('.wrong', '2 to 20');
    await web.sees('.wrong', 'https://');
  });

  describe('login methods', () => {
    it('are linked and unlinked, except the last', async () => {
      await web.openAs('jun', '/me/ways-in');
      await confirm('Unlink Kakao');
      await web.sees('.note.bad', 'your last way in');
      await web.press('Link Naver');
      await web.page.click('button[name=persona][value=jun]');
      await web.sees('.rows', 'Naver');
      expect(web.page.url()).toBe(`${web.app.url}/me/ways-in`);
      await web.press('Unlink Kakao');
      await web.sees('dialog', 'Unlink Kakao?');
      await web.page.keyboard.press('Escape');
      await web.page.getByRole('button', { name: 'Unlink Kakao' }).waitFor();
      await confirm('Unlink Kakao');
      await web.sees('.note.good', 'Kakao is no way in any more.');
      await web.page.getByRole('button', { name: 'Link Kakao' }).and(web.page.locator(':focus')).waitFor();
    });

    it('of another account cannot be linked, with an explanation', async () => {
      const other = await web.visit();
      await other.goto('/');
      await web.logInWith('google', 'jun', other);
      await web.openAs('mina', '/me/ways-in');
      await web.press('Link Google');
      await web.page.click('button[name=persona][value=jun]');
      await web.sees('.note.bad', 'could not be linked');
      expect(web.page.url()).toBe(`${web.app.url}/me/ways-in`);
    });

    describe('more than ten minutes after the login', () => {
      const later = () =>
        web.app.database.query(`UPDATE auth.sessions SET created_at = created_at - interval '1 hour'`);

      it('change after reauthentication by password', async () => {
        const { password } = await web.register('Haneul');
        await web.page.goto('/me/ways-in');
        await later();
        await web.press('Link Google');
        await web.sees('h2', 'Is it really you?');
        await web.fillIn({ Password: 'not this' }, 'Go on');
        await web.sees('.note.bad', 'is wrong');
        await web.fillIn({ Password: password }, 'Go on');
        await web.page.click('button[name=persona]');
        await web.sees('.rows', 'Linked');
        await later();
        await confirm('Unlink Google');
        await web.fillIn({ Password: password }, 'Go on');
        await web.sees('.note.good', 'Google is no way in any more.');
      });

      it('change after another login for an account without a password', async () => {
        await web.openAs('no-email', '/me/ways-in');
        await later();
        await web.press('Link Naver');
        await web.press('Log in again with Kakao');
        await web.page.click('button[name=persona][value=no-email]');
        await web.sees('.mine');
        expect(web.page.url()).toBe(`${web.app.url}/me/ways-in`);
        await web.press('Link Naver');
        await web.page.click('button[name=persona]');
        await web.sees('.rows', /Naver/);
        await web.page.getByRole('button', { name: 'Unlink Naver' }).waitFor();
      });
    });

    it('include a password that can be changed', async () => {
      const { email, password } = await web.register('Narae');
      await web.page.goto('/me/ways-in');
      await web.page.click('summary');
      await web.fillIn(
        { 'Current password': 'not this', 'New password': 'a new one for me' },
        'Change the password',
      );
      await web.sees('.note.bad', 'The password is wrong.');
      await web.fillIn({ 'Current password': password }, 'Change the password');
      await web.sees('.note.good', 'The password has changed');
      for (const field of await web.page.locator('[type=password]').all()) {
        expect(await field.inputValue()).toBe('');
      }
      await web.logOut();
      await web.page.goto('/login');
      await web.fillIn({ 'E-mail': email, Password: 'a new one for me' }, 'Log in');
      await web.sees('.mine');
    });
  });

  describe('sessions', () => {
    it('are listed, and another session can end one at once', async () => {
      const other = await web.visit();
      await web.openAs('default-nickname', '/me', other);
      await web.openAs('default-nickname', '/me/sessions');
      await web.sees('.rows .tag', 'this one');
      expect(await web.page.locator('.rows li').count()).toBe(2);
      await web.page.locator('.rows li').nth(1).getByRole('button').click();
      await web.sees('.hint', 'You are logged in nowhere else.');
      await web.press('Activity', other);
      await web.sees('.note.bad', 'Your session has ended.', other);
    });

    it('can be ended except the current session', async () => {
      for (let i = 0; i < 2; i++) await web.openAs('legacy-properties', '/', await web.visit());
      await web.openAs('legacy-properties', '/me/sessions');
      await web.press('End all others');
      await web.sees('.hint', 'You are logged in nowhere else.');
      await web.sees('.mine');
    });
  });

  it('lists the audit trail of the account', async () => {
    await web.openAs('mina', '/me');
    await web.logOut();
    await web.openAs('mina', '/me/activity');
    await web.sees('.events li', /^Logged in · Kakao/);
    await web.sees('.events li', /^Session ended · logged out/);
  });

  describe('account deletion', () => {
    it('requires the password, and ends in the logged-out page', async () => {
      const { email, password } = await web.register('Leaver');
      await web.page.goto('/me/delete');
      await web.fillIn({ Password: 'not this' }, 'Delete my account for good');
      await web.sees('.note.bad', 'is wrong');
      await web.fillIn({ Password: password }, 'Delete my account for good');
      await web.sees('.note.good', 'Farewell');
      await web.sees('.provider.google');
      await web.page.goto('/login');
      await web.fillIn({ 'E-mail': email, Password: password }, 'Log in');
      await web.sees('.note.bad', 'is wrong');
    });

    it('shows other tabs only that the user is logged out', async () => {
      await web.openAs('no-email', '/me/delete');
      const tab = await web.page.context().newPage();
      await tab.goto('/me');
      await web.sees('form', undefined, tab);
      await confirm('Delete my account for good');
      await web.sees('.note.good', 'Farewell');
      await web.sees('.note.good', 'You are logged out.', tab);
      expect(await tab.locator('.note').count()).toBe(1);
    });

    it('without a password requires a recent login', async () => {
      await web.openAs('no-email', '/me/delete');
      await web.app.database.query("UPDATE auth.sessions SET created_at = created_at - interval '1 hour'");
      await confirm('Delete my account for good');
      await web.sees('.note.bad', 'log in again');
      await web.press('Log in again with Kakao');
      await web.page.click('button[name=persona][value=no-email]');
      await web.sees('h1', 'Delete account');
      await confirm('Delete my account for good');
      await web.sees('.note.good', 'Farewell');
    });
  });
});
