import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { Browser, Page } from 'playwright-core';
import { signedIn, type SignedIn } from '../support/fixtures/actors.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';
import { startChromium, visit } from '../support/servers/chromium.js';
import { describeWith } from '../support/programs.js';
import { useWebPageOf } from '../support/fixtures/web-page.js';

const SIZE = 19_000;
const TEXTS: readonly (readonly [string, string])[] = [
  ['nested quotes', `${'>'.repeat(SIZE)} a`],
  ['2,000 nested quotes', `${'> '.repeat(2_000)}a`],
  ['nested lists', `${'- '.repeat(SIZE / 2)}a`],
  ['lists nested by indentation', Array.from({ length: 190 }, (_, n) => `${' '.repeat(n)}- a`).join('\n')],
  ['brackets', '['.repeat(SIZE)],
  ['emphasis', '*a '.repeat(SIZE / 3)],
  ['nested emphasis', `${'*a **b '.repeat(1_500)}c${'** *'.repeat(1_500)}`],
  ['links in links', '[a](b'.repeat(SIZE / 5)],
  ['pictures', '![a](https://example.com/a.png)'.repeat(SIZE / 31)],
  ['backticks', '`'.repeat(SIZE)],
  ['a wide table', `${'|a'.repeat(SIZE / 4)}|\n${'|-'.repeat(SIZE / 4)}|`],
  ['a word without an end', 'a'.repeat(SIZE)],
  ['text in the other direction', `\u202e${'abc '.repeat(100)}`],
];

describeWith('chromium', 'a post with hostile text', () => {
  let app: TestApp;
  let browser: Browser;
  let mina: SignedIn;
  let page: Page;
  let complaints: string[];
  beforeAll(async () => {
    [app, browser] = await Promise.all([startApp({ DATABASE_URL: '' }), startChromium()]);
    mina = await signedIn(app);
    ({ page, complaints } = await visit(browser, app.url, { viewport: { width: 390, height: 800 } }));
  });
  afterAll(async () => {
    await browser.close();
    await app.stop();
  });

  it.each(TEXTS)('is displayed with its title, comments and actions: %s', async (name, body) => {
    const made = await mina.call('POST', '/boards/free/posts', { title: `Hostile: ${name}`, body });
    expect(made.status).toBe(201);
    const path = made.headers.get('location') ?? '';
    await mina.call('POST', `${path}/comments`, { body: 'a comment below' });
    await page.goto(path.replace('/posts/', '/p/'));
    await page.getByRole('heading', { name: `Hostile: ${name}` }).waitFor();
    await page.getByText('a comment below').waitFor();
    await page.getByRole('button', { name: /like/i }).first().waitFor();
    // No element makes the page wider than the screen.
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
    expect(complaints.splice(0)).toEqual([]);
  });
});

describeWith('chromium', 'a post that is expensive to render', () => {
  const web = useWebPageOf('mina', { RATE_LIMIT_FACTOR: '100' });

  /** Writes a post as the logged-in user with a direct API call. Returns its path in the page. */
  async function write(body: string): Promise<string> {
    const { request } = web.page.context();
    const refreshed = await request.post(`${web.app.url}/auth/refresh`);
    const { accessToken } = (await refreshed.json()) as { accessToken: string };
    const made = await request.post(`${web.app.url}/boards/free/posts`, {
      headers: { authorization: `Bearer ${accessToken}` },
      data: { title: 'Hostile', body },
    });
    expect(made.status()).toBe(201);
    return `/p/${((await made.json()) as { id: string }).id}`;
  }

  /** Opens the post, and deletes it with the button of the page. */
  async function openAndDelete(path: string): Promise<boolean> {
    await web.page.goto(path);
    await web.sees('.post h1', 'Hostile');
    await web.sees('.prose');
    const isPlain = await web.page.locator('.prose.plain-text').isVisible();
    await web.press('Delete');
    await web.page.click('dialog[open] .danger');
    await web.sees('.note.good', 'The post is deleted.');
    return isPlain;
  }

  const repeated = (unit: string) => unit.repeat(Math.floor(SIZE / unit.length));

  it.each([
    ['>', repeated('>')],
    ['> ', `${repeated('> ')}a`],
    ['> - ', `${repeated('> - ')}a`],
    ['1. ', `${repeated('1. ')}a`],
    ['1) > ', `${repeated('1) > ')}a`],
    ['- ', `${repeated('- ')}a`],
    ['a line of nested quotes among others', `Hello\n\n${'> '.repeat(500)}a\n\nGoodbye`],
    ['a__', `${repeated('a__')}a`],
    ['__a__', repeated('__a__')],
    ['가_)', repeated('가_)')],
    ['{#_', repeated('{#_')],
    ['~1.!', repeated('~1.!')],
    ['*www.', repeated('*www.')],
    ['an e-mail address without an end', `${repeated('a')}@`],
    ['a.', `${repeated('a.')}@b`],
    ['!', repeated('!')],
    ['http://a&a;', `http://a${'&a;'.repeat(6_000)}`],
    ['spaces', `a${' '.repeat(SIZE)}b`],
    ['tabs', `a${'\t'.repeat(SIZE)}b`],
    ['many short rows of a wide table', `${'|a'.repeat(100)}|\n${'|-'.repeat(100)}|\n${'a\n'.repeat(9_000)}`],
  ])('is displayed as plain text, and can be deleted by its author: %s', async (_, body) => {
    expect(await openAndDelete(await write(body))).toBe(true);
  });

  it.each([
    [
      'prose',
      'He *said* that it was **fine**, and went home.\n'.repeat(20) + '\n' + repeated('plain words '),
    ],
    ['links', '[a link](https://example.com/a/long/address?with=members) and\n'.repeat(100)],
    ['a list of links', '- [a link](https://example.com/an_address_with_underscores)\n'.repeat(200)],
    ['code', `\`\`\`\n${'const a_b = [*c, `d`, e_f];\n'.repeat(600)}\`\`\``],
    ['a table', `|a|b|c|d|\n|-|-|-|-|\n${'|1|2|3|4|\n'.repeat(400)}`],
    ['Korean', '대문은 열려 있어요. **누구나** 들어오세요. '.repeat(5) + '\n\n' + repeated('가나다라 ')],
    ['a long rule', '* '.repeat(40)],
    ['quotes', '> > > he said\n> > she said\n> they said\n\n'.repeat(100)],
  ])('is not mistaken for an expensive post: %s', async (_, body) => {
    expect(await openAndDelete(await write(body))).toBe(false);
  });

  it('is displayed and can be deleted for any repeated text', async () => {
    const marks =
      '> ;- ;* ;1. ;#;_;*;**;~~;`;```;[;](;);!;<;@;.;:;http://;www.;&;\\;|;|-;a;가; ;\n;\n\n;\t'.split(';');
    const pieces = fc.constantFrom(...marks);
    const body = fc
      .tuple(fc.array(pieces, { minLength: 1, maxLength: 5 }), fc.constantFrom(SIZE, 2_000, 200))
      .map(([unit, size]) => `a${unit.join('').repeat(Math.floor(size / unit.join('').length))}b`);
    await fc.assert(
      fc.asyncProperty(body, async (text) => {
        await openAndDelete(await write(text));
      }),
      { numRuns: 12 },
    );
  });

  describe('a text that fails to render affects no other text:', () => {
    const NO_TIME = 'no time';

    it('a comment leaves the other comments, and can be deleted', async () => {
      const path = await write('fine');
      await web.page.goto(path);
      await web.fillIn({ 'Your comment': 'first' }, 'Comment');
      await web.sees('.comment .said', 'first');
      await web.fillIn({ 'Your comment': 'second' }, 'Comment');
      await web.sees('.comment .said', 'second');
      await web.page.route('**/comments?*', async (route) => {
        const answer = await route.fetch();
        const page = (await answer.json()) as { items: { createdAt: string }[] };
        page.items[0]!.createdAt = NO_TIME;
        await route.fulfill({ response: answer, json: page });
      });
      await web.page.reload();
      await web.sees('.comment .said', 'second');
      await web.sees('.comment .hint', 'could not be shown');
      await web.page.locator('.comment').first().getByRole('button', { name: 'Delete' }).click();
      await web.page.click('dialog[open] .danger');
      await web.sees('#comments', 'Comments 1');
      web.forgive();
    });

    it('a post leaves the other posts of its board, and can be deleted', async () => {
      const path = await write('fine');
      const breakTimes = async (url: string) =>
        web.page.route(url, async (route) => {
          if (route.request().method() !== 'GET') return route.fallback();
          const answer = await route.fetch();
          const post = (await answer.json()) as { items?: { createdAt: string }[]; createdAt?: string };
          if (post.items !== undefined) post.items[0]!.createdAt = NO_TIME;
          else post.createdAt = NO_TIME;
          return route.fulfill({ response: answer, json: post });
        });
      await breakTimes('**/boards/free/posts?*');
      await breakTimes(`**${path.replace('/p/', '/posts/')}`);
      await web.page.goto('/b/free');
      await web.sees('.post-list .hint', 'could not be shown');
      expect(await web.page.locator('.post-list time').count()).toBeGreaterThan(0);
      await web.page.goto(path);
      await web.sees('.prose', 'fine');
      await web.page.unrouteAll({ behavior: 'wait' });
      await web.press('Delete');
      await web.page.click('dialog[open] .danger');
      await web.sees('.note.good', 'The post is deleted.');
      web.forgive();
    });
  });
});
