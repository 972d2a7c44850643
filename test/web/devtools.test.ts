import { expect, it } from '@jest/globals';
import { describeWith } from '../support/programs.js';
import { useWebPage } from '../support/fixtures/web-page.js';

describeWith('chromium', 'the token panel', () => {
  const web = useWebPage();

  async function open(): Promise<void> {
    await web.openAs('mina', '/b/free');
    await web.sees('.post-list');
    await web.press('Watch it work');
    await web.sees('#watch-title');
  }

  it('shows the claims and the remaining lifetime of the token, but not the token', async () => {
    const tokens: string[] = [];
    web.page.on('request', (request) => {
      const token = request.headers()['authorization']?.slice('Bearer '.length);
      if (token !== undefined) tokens.push(token);
    });
    await open();
    const shown = await web.page.locator('.watch pre').allTextContents();
    expect(JSON.parse(shown[0] ?? '')).toMatchObject({ iss: web.app.url, roles: ['user'] });
    expect(JSON.parse(shown[1] ?? '')).toMatchObject({ alg: 'ES256', typ: 'at+jwt' });
    await web.sees('#watch-left', /^(10:00|9:\d\d) left$/);
    expect(tokens.length).toBeGreaterThan(0);
    const everything = await web.page.content();
    for (const token of tokens) expect(everything).not.toContain(token.split('.')[2]);
  });

  it('shows a refresh and a repeated request, within a second and transparently', async () => {
    await open();
    await web.press('Let the token expire now');
    await web.sees('#watch-left', 'taken for expired');
    await web.press('Ask who I am');
    await web.sees('.journal .repeat', 'GET /users/me');
    const journal = await web.page.locator('.journal li').allTextContents();
    const [repeat = '', refresh = '', refused = ''] = journal;
    expect(repeat).toMatch(/repeated.*200/);
    expect(refresh).toMatch(/POST \/auth\/refresh.*200/);
    expect(refused).toMatch(/GET \/users\/me.*401/);
    expect(Number(/(\d+) ms in all/.exec(repeat)?.[1])).toBeLessThan(1_000);
    await web.sees('#watch-left', /left$/);
    await web.sees('.mine');
  });

  it('shows requests of the page, too', async () => {
    await open();
    await web.page.locator('.post-list h2 a').first().click();
    await web.sees('.like');
    await web.press('Let the token expire now');
    await web.page.click('.like');
    await web.sees('.like.liked');
    await web.sees('.journal .repeat', /PUT \/posts\/.*\/like/);
  });

  it('shows a lost response, and the retry that succeeds', async () => {
    await open();
    await web.press('Lose the next answer');
    await web.sees('.journal .refresh.badly', 'lost');
    await web.sees('.journal .refresh.well', '200');
    // No code in a page can delete the cookie, and so the panel does not claim it.
    await web.sees('.watch [role=status]', 'The cookie of the lost answer did arrive');
    await web.page.reload();
    await web.sees('.mine');
  });

  it('explains failed experiments, and reports no result of unfinished experiments', async () => {
    await open();
    await web.press('Let the token expire now');
    const expired = { status: 401, json: { code: 'access_token_expired' } };
    await web.page.route('**/users/me', async (route) => {
      await new Promise((resolve) => {
        setTimeout(resolve, 1_000);
      });
      await route.fulfill(expired);
    });
    await web.press('Ask who I am');
    await web.sees('.watch [role=status]', 'The access token expired once more.');
    await web.sees('.journal .repeat .in-all', /^\d+ ms in all$/);
  });

  it('opens five tabs, and shows their refreshes', async () => {
    await open();
    await web.press('Open five tabs');
    await web.sees('.watch', 'Five tabs are open');
    await web.sees('.journal li', 'another tab');
    const tabs = web.page.context().pages();
    expect(tabs).toHaveLength(6);
    for (const tab of tabs) {
      await web.sees('.mine', undefined, tab);
      await web.sees('#watch-title', undefined, tab);
    }
  });

  it('shows that there is no token when the user is logged out', async () => {
    await web.page.goto('/');
    await web.press('Watch it work');
    await web.sees('.watch', 'None. Log in, and it appears here.');
    expect(await web.page.getByRole('button', { name: 'Let the token expire now' }).isDisabled()).toBe(true);
  });

  it('takes the focus, and returns it', async () => {
    await web.page.goto('/');
    await web.sees('.provider.google');
    await web.press('Watch it work');
    await web.sees('#watch-title');
    expect(await web.page.evaluate('document.activeElement.id')).toBe('watch-title');
    await web.page.keyboard.press('Escape');
    expect(await web.page.locator('#watch').isVisible()).toBe(false);
    expect(await web.page.evaluate('document.activeElement.className')).toBe('watch-button');
  });
});
