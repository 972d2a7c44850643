import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { describeWith } from '../support/programs.js';
import { useWebPage } from '../support/fixtures/web-page.js';

describeWith('chromium', 'the boards in a browser', () => {
  const web = useWebPage();

  /** Creates a post on the free board as a logged-in user. Returns its path. */
  async function write(title: string, body: string, page: Page = web.page): Promise<string> {
    await page.goto('/b/free/write');
    await web.fillIn({ Title: title, Text: body }, 'Publish', page);
    await web.sees('.post h1', title, page);
    return new URL(page.url()).pathname;
  }

  /** Creates this number of items as the logged-in user with direct API calls. */
  async function post(path: string, count: number, make: (n: number) => object): Promise<void> {
    const { request } = web.page.context();
    const refreshed = await request.post(`${web.app.url}/auth/refresh`);
    const { accessToken } = (await refreshed.json()) as { accessToken: string };
    const headers = { authorization: `Bearer ${accessToken}` };
    for (let n = 1; n <= count; n++) {
      const answer = await request.post(web.app.url + path, { headers, data: make(n) });
      expect(answer.status()).toBe(201);
    }
  }

  it('show the latest posts to logged-out users, as text', async () => {
    const post = {
      id: '01a1f0c8-9c3e-7b52-8f7e-0a4d6c2b1e90',
      board: 'free',
      title: '<b>bold</b>',
      excerpt: '<script>1</script>',
      author: null,
      commentCount: 2,
      likeCount: 1,
      createdAt: '2026-11-24T00:00:00Z',
      updatedAt: '2026-11-24T00:00:00Z',
    };
    await web.page.route('**/boards/free/posts*', (route) =>
      route.fulfill({ json: { items: [post], nextCursor: null } }),
    );
    await web.page.goto('/');
    await web.sees('.post-list h3', '<b>bold</b>');
    await web.sees('.excerpt', '<script>1</script>');
    await web.sees('.author', 'Someone who left');
  });

  describe('a post', () => {
    it('is written in Markdown, and readable for logged-out users', async () => {
      await web.openAs('mina', '/b/free');
      await web.press('Write');
      await web.sees('.editor');
      await web.fillIn({ Title: 'Tiles', Text: '## Roofs\n\nThey are **heavy**.\n\n- one' }, 'Preview');
      await web.sees('.preview strong', 'heavy');
      await web.press('Publish');
      await web.sees('.post h1', 'Tiles');
      const reader = await web.visit();
      await reader.goto('/b/free');
      await reader.click('.post-list a:text-is("Tiles")');
      await web.sees('.prose strong', 'heavy', reader);
      await web.sees('.prose [role=heading][aria-level="3"]', 'Roofs', reader);
    });

    it('contains no script, style or form from any Markdown (XSS)', async () => {
      const body = [
        '<img src=x onerror="window.caught=1"><script>window.caught=1</script>',
        '<style>body{display:none}</style><form action="/x"><input name=y></form>',
        '[one](javascript:window.caught=1) [two](data:text/html,x) [three](/fine)',
        '![four](javascript:window.caught=1)',
        '<a href="vbscript:x" style="position:fixed" id="content">five</a>',
      ].join('\n\n');
      await web.openAs('mina', '/');
      await write('Mischief', body);
      const prose = web.page.locator('.prose');
      expect(await prose.locator('script, style, form, input, [style], [id], [onerror]').count()).toBe(0);
      const links = await prose
        .locator('a')
        .evaluateAll((all) => all.map((each) => each.getAttribute('href')));
      expect(links.filter(Boolean)).toEqual(['/fine']);
      expect(await web.page.evaluate('window.caught')).toBeUndefined();
      await web.sees('.prose', '<script>window.caught=1</script>');
    });

    it('causes no request to this site by its images or links (CSRF)', async () => {
      const asked: string[] = [];
      web.page.on('request', (request) => asked.push(request.url()));
      await web.openAs('mina', '/');
      asked.length = 0;
      const here = `${web.app.url}/auth/naver`;
      await write(
        'Pictures',
        `![one](/auth/google) ![two](${here}) ![three](auth/kakao) ![four](https://k.kakaocdn.net/4.svg)`,
      );
      await web.sees('.prose img[src="https://k.kakaocdn.net/4.svg"]');
      expect(await web.page.locator('.prose img').count()).toBe(1);
      await web.sees('.prose', 'one two three');
      expect(asked.filter((url) => /\/auth\/(google|kakao|naver)/.test(url))).toEqual([]);
    });

    it('shows the state of its task lists', async () => {
      await web.openAs('mina', '/');
      await write('Tasks', '- [x] tiles\n- [ ] beams');
      expect(await web.page.locator('.prose li').allTextContents()).toEqual(['☑ tiles', '☐ beams']);
    });

    it('has tables that scroll on a phone instead of shrinking', async () => {
      await web.page.setViewportSize({ width: 360, height: 740 });
      await web.openAs('mina', '/');
      const row = '| persimmon | chrysanthemum | magnolia | 무궁화꽃이피었습니다 | azalea |';
      await write('Wide', `${row}\n|---|---|---|---|---|\n${row}`);
      const cell = web.page.locator('.prose td');
      const line = await web.page.evaluate(
        'parseFloat(getComputedStyle(document.querySelector("td")).lineHeight)',
      );
      for (const { height } of await cell.evaluateAll((all) =>
        all.map((each) => each.getBoundingClientRect()),
      ))
        expect(height).toBeLessThan(2 * (line as number));
      const [table, all] = await web.page.evaluate<[number, number]>(
        '[document.querySelector("table"), document.documentElement].map(({ scrollWidth }) => scrollWidth)',
      );
      expect([table > 360, all]).toEqual([true, 360]);
    });

    it('is edited and deleted by its author, and by no other user', async () => {
      await web.openAs('mina', '/');
      const path = await write('First thought', 'It was raining.');
      const other = await web.visit();
      await web.openAs('jun', path, other);
      await web.sees('.post h1', 'First thought', other);
      expect(await other.getByRole('button', { name: 'Delete' }).count()).toBe(0);
      await other.goto(`${path}/edit`);
      await web.sees('.note.bad', 'Only its author', other);

      await web.press('Edit');
      await web.sees('.editor');
      expect(await web.page.getByLabel('Text', { exact: true }).inputValue()).toBe('It was raining.');
      await web.fillIn({ Title: 'Second thought' }, 'Save');
      await web.sees('.post h1', 'Second thought');
      await web.press('Delete');
      await web.sees('dialog', 'Delete this post?');
      await web.page.keyboard.press('Escape');
      await web.press('Delete');
      await web.page.click('dialog[open] .danger');
      await web.sees('.note.good', 'The post is deleted.');
      await web.page.goto(path);
      await web.sees('h1', 'There is nothing here');
    });

    it('that changed meanwhile is not overwritten without a confirmation (ETag)', async () => {
      await web.openAs('mina', '/');
      const path = await write('Version one', 'one');
      const tab = await web.page.context().newPage();
      await tab.goto(`${path}/edit`);
      await web.sees('.editor', undefined, tab);
      await web.page.goto(`${path}/edit`);
      await web.fillIn({ Title: 'Version two' }, 'Save');
      await web.sees('.post h1', 'Version two');
      await web.fillIn({ Title: 'Version three' }, 'Save', tab);
      await web.sees('.note', 'Changed meanwhile', tab);
      await web.press('Save mine', tab);
      await web.sees('.post h1', 'Version three', tab);
    });

    it('is created once when its response is lost and it is sent again (idempotency)', async () => {
      await web.openAs('mina', '/b/free/write');
      await web.page.route(
        '**/boards/free/posts',
        async (route) => {
          await route.fetch();
          await route.abort();
        },
        { times: 1 },
      );
      await web.fillIn({ Title: 'Only once', Text: 'really' }, 'Publish');
      await web.sees('.note.bad', 'cannot be reached');
      await web.press('Publish');
      await web.sees('.post h1', 'Only once');
      await web.page.goto('/b/free');
      await web.sees('.post-list h2', 'Only once');
      expect(await web.page.locator('.post-list h2', { hasText: 'Only once' }).count()).toBe(1);
    });

    it('in progress survives the end of the session', async () => {
      await web.openAs('mina', '/b/free/write');
      await web.page.getByLabel('Title').fill('Half a thought');
      await web.page.context().request.post(`${web.app.url}/auth/logout`);
      await web.fillIn({ Text: 'and the other half' }, 'Publish');
      await web.sees('.note.bad', 'Your session has ended');
      await web.sees('h2', 'Log in to go on');
      expect(await web.page.locator('[name=title]').inputValue()).toBe('Half a thought');
    });
  });

  describe('a draft', () => {
    const title = () => web.page.locator('[name=title]');
    const becomes = (selector: string, value: string, page: Page = web.page) =>
      page.waitForFunction(
        ([field, expected]) => document.querySelector<HTMLInputElement>(field)?.value === expected,
        [selector, value] as const,
      );

    it('is restored when the user returns to it', async () => {
      await web.openAs('mina', '/b/free');
      await web.press('Write');
      await title().fill('Not yet');
      await web.page.click('.brand');
      await web.sees('.welcome');
      await web.page.goBack();
      await web.sees('.editor');
      expect(await title().inputValue()).toBe('Not yet');
      await web.page.reload();
      await web.sees('.editor');
      expect(await title().inputValue()).toBe('Not yet');
      await web.sees('.note', 'what you had begun');
      await web.fillIn({ Text: 'Now.' }, 'Publish');
      await web.sees('.post h1', 'Not yet');
      await web.page.goto('/b/free/write');
      await web.sees('.editor');
      expect(await title().inputValue()).toBe('');
    });

    it('is discarded on request', async () => {
      await web.openAs('mina', '/');
      const path = await write('As it is', 'Good.');
      await web.press('Edit');
      await title().fill('As it could be');
      await web.page.goBack();
      await web.press('Edit');
      await web.press('Discard it');
      expect(await title().inputValue()).toBe('As it is');
      expect(await web.page.evaluate('document.activeElement.name')).toBe('title');
      await web.page.goto(`${path}/edit`);
      await web.sees('.editor');
      expect(await web.page.getByText('what you had begun').count()).toBe(0);
    });

    it('is restored after a provider login, and leaves no trace in storage', async () => {
      await web.openAs('mina', '/');
      await web.page.goto(`${await write('Half', 'a sentence')}/edit`);
      await web.sees('.editor');
      await title().fill('Whole');
      await web.page.context().request.post(`${web.app.url}/auth/logout`);
      await web.press('Save');
      await web.logInWith('kakao');
      await web.sees('.editor');
      expect(await title().inputValue()).toBe('Whole');
      expect(await web.page.evaluate('({ ...sessionStorage })')).toEqual({});
    });

    it('is never shown to another user', async () => {
      await web.openAs('mina', '/');
      const path = await write('Whose comment?', 'Mine.');
      const tab = await web.page.context().newPage();
      await tab.goto(path);
      await tab.getByLabel('Your comment').fill('from Mina');
      await web.page.goto('/b/free/write');
      await title().fill('Written by Mina');
      await web.takePlace('naver', 'jun');
      await becomes('[name=title]', '');
      await becomes('.new-comment textarea', '', tab);
    });

    it('of a post that changed meanwhile overwrites it only after a confirmation', async () => {
      await web.openAs('mina', '/');
      const path = await write('Draft one', 'one');
      await web.press('Edit');
      await title().fill('Draft two');
      await web.page.goBack();
      const tab = await web.page.context().newPage();
      await tab.goto(`${path}/edit`);
      await web.fillIn({ Title: 'Draft three' }, 'Save', tab);
      await web.sees('.post h1', 'Draft three', tab);
      await web.press('Edit');
      await web.fillIn({ Text: 'two' }, 'Save');
      await web.sees('.note', 'Changed meanwhile');
      await web.press('Take the other');
      await becomes('[name=title]', 'Draft three');
    });

    it('is discarded only after a confirmation', async () => {
      await web.openAs('mina', '/b/free/write');
      await title().pressSequentially('Wait');
      const asked = web.page.waitForEvent('dialog');
      const left = web.page.goto('/docs').catch(() => undefined);
      const dialog = await asked;
      expect(dialog.type()).toBe('beforeunload');
      await dialog.dismiss();
      await left;
      expect(await title().inputValue()).toBe('Wait');
    });
  });

  it('let a user like a post, and unlike it', async () => {
    await web.openAs('mina', '/');
    const path = await write('Likeable', 'very');
    const button = web.page.locator('.like');
    await button.click();
    await web.sees('.like.liked', '1');
    await web.page.goto(path);
    await web.sees('.like.liked', '1');
    await button.click();
    await web.sees('.like:not(.liked)', '0');
  });

  it('send logged-out users to the login when they like or comment', async () => {
    await web.page.goto('/b/free');
    await web.page.locator('.post-list h2 a').first().click();
    await web.sees('.post');
    const path = new URL(web.page.url()).pathname;
    await web.page.click('.like');
    await web.sees('.entry');
    await web.logInWith('kakao');
    expect(new URL(web.page.url()).pathname).toBe(path);
    await web.sees('.new-comment');
  });

  it('let a user write, edit and delete a comment', async () => {
    await web.openAs('mina', '/');
    await write('Talk to me', 'please');
    await web.fillIn({ 'Your comment': 'Hello\nthere' }, 'Comment');
    await web.sees('.comment .said', 'Hello');
    await web.sees('#comments', 'Comments 1');
    const comment = web.page.locator('.comment');
    await comment.getByRole('button', { name: 'Edit' }).click();
    await comment.locator('textarea').fill('Goodbye');
    await comment.getByRole('button', { name: 'Save' }).click();
    await web.sees('.comment .said', 'Goodbye');
    await comment.getByRole('button', { name: 'Delete' }).click();
    await web.page.click('dialog[open] .danger');
    await web.sees('.comments .hint', 'No comments yet.');
    await web.sees('#comments', 'Comments 0');
  });

  it('show a new comment at once under a list of any length', async () => {
    await web.openAs('mina', '/');
    const path = await write('Much talked about', 'x');
    await post(`/posts${path.slice(2)}/comments`, 22, (n) => ({ body: `Comment ${n}` }));
    await web.page.reload();
    await web.fillIn({ 'Your comment': 'The newest' }, 'Comment');
    await web.sees('.comments .hint', 'Just written.');
    await web.sees('.comment .said', 'The newest');
    await web.press('More');
    await web.sees('.comment .said', 'Comment 22');
    const said = await web.page.locator('.comment .said').allTextContents();
    expect(said).toEqual([...Array.from({ length: 22 }, (_, n) => `Comment ${n + 1}`), 'The newest']);
  });

  it('let a user edit and delete a comment by keyboard, and not by a repeated Enter', async () => {
    await web.openAs('mina', '/');
    await write('Keys only', 'x');
    await web.fillIn({ 'Your comment': 'Hello' }, 'Comment');
    const { keyboard } = web.page;
    const focus = () => web.page.evaluate('document.activeElement.textContent');
    const edit = web.page.locator('.comment').getByRole('button', { name: 'Edit' });
    await edit.focus();
    await keyboard.press('Enter');
    await web.sees('.comment textarea:focus');
    await keyboard.press('Tab');
    await keyboard.press('Tab');
    await keyboard.press('Enter');
    await edit.waitFor();
    expect(await focus()).toBe('Edit');
    await keyboard.press('Enter');
    await web.sees('.comment textarea:focus');
    await keyboard.type('Well. ');
    await keyboard.press('Tab');
    await keyboard.press('Enter');
    await edit.waitFor();
    expect(await focus()).toBe('Edit');
    await keyboard.press('Tab');
    await keyboard.press('Enter');
    await web.sees('dialog[open]');
    expect(await focus()).toBe('Cancel');
    await keyboard.press('Enter');
    expect(await focus()).toBe('Delete');
    await keyboard.press('Enter');
    await keyboard.press('Shift+Tab');
    await keyboard.press('Enter');
    await web.sees('.comments .hint', 'No comments yet.');
    await web.sees('#comments:focus');
  });

  describe('a list', () => {
    it('is searched and sorted, with both in the address', async () => {
      await web.openAs('mina', '/');
      await write('About persimmons', 'They are orange.');
      await web.page.click('.like');
      await web.sees('.like.liked');
      await web.page.goto('/b/free');
      await web.page.getByRole('searchbox').fill('persimmons');
      await web.press('Search');
      await web.sees('.found', 'persimmons');
      await web.sees('.post-list h2', 'About persimmons');
      expect(await web.page.locator('.post-list li').count()).toBe(1);
      expect(web.page.url()).toContain('q=persimmons');
      await web.page.goBack();
      await web.press('Popular');
      await web.sees('.choices [aria-pressed=true]', 'Popular');
      expect(web.page.url()).toContain('sort=popular');
      await web.page.goto('/b/free?q=nothinglikethis');
      await web.sees('.hint', 'No post has that.');
    });

    it('reloads by itself after a restart of the server', async () => {
      await web.page.route('**/boards/free/posts*', (route) => route.abort(), { times: 2 });
      await web.page.goto('/b/free');
      await web.sees('.post-list li');
    });
  });

  describe('a long list', () => {
    beforeAll(async () => {
      await web.visit();
      await web.openAs('mina', '/');
      await post('/boards/free/posts', 45, (n) => ({ title: `Post ${n}`, body: 'x' }));
      await web.leave();
    });

    it('is extended on request', async () => {
      await web.page.goto('/b/free');
      await web.sees('.post-list li');
      expect(await web.page.locator('.post-list li').count()).toBe(20);
      await web.press('More');
      await web.sees('.post-list li:nth-child(21)');
    });

    it('does not extend the list that was shown before it', async () => {
      await web.page.goto('/b/free');
      await web.sees('.post-list li');
      await web.page.route('**/boards/free/posts?*cursor=*', async (route) => {
        await web.sees('.hint', 'No post has that.');
        await route.continue();
      });
      const late = web.page.waitForResponse(/cursor=/);
      await web.press('More');
      await web.page.getByRole('searchbox').fill('nothinglikethis');
      await web.press('Search');
      await (await late).finished();
      await web.page.evaluate('new Promise((painted) => requestAnimationFrame(() => setTimeout(painted)))');
      await web.sees('.hint', 'No post has that.');
      expect(await web.page.locator('.post-list li').count()).toBe(0);
    });

    it('is restored when the user returns to it', async () => {
      await web.page.goto('/b/free');
      await web.press('More');
      const post = web.page.locator('.post-list li:nth-child(35)');
      await post.scrollIntoViewIfNeeded();
      const before = await web.page.evaluate('scrollY');
      await post.locator('h2 a').click();
      await web.sees('.post');
      expect(await web.page.evaluate('scrollY')).toBe(0);
      await web.page.goBack();
      await web.sees('.post-list');
      await web.page.waitForFunction((y) => Math.abs(scrollY - y) < 2, before as number);
      expect(await web.page.locator('.post-list li').count()).toBe(40);
      await web.press('More');
      await web.sees('.post-list li:nth-child(41)');
    });

    it('is restored together with posts that the user wrote meanwhile', async () => {
      await web.openAs('mina', '/b/free');
      await web.press('Write');
      await web.sees('.editor');
      await web.fillIn({ Title: 'Quite new', Text: 'x' }, 'Publish');
      await web.sees('.post');
      await web.page.goBack();
      await web.sees('.post-list h2', 'Quite new');
    });
  });

  it('report an unknown path as not found', async () => {
    await web.page.goto('/b/nowhere');
    await web.sees('h1', 'There is nothing here');
    await web.page.goto('/p/01a1f0c8-9c3e-7b52-8f7e-0a4d6c2b1e90');
    await web.sees('h1', 'There is nothing here');
    await web.press('To the front gate');
    await web.sees('.welcome');
  });
});
