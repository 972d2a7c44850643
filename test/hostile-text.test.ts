import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { signedIn, type SignedIn } from './support/actors.js';
import { startApp, type TestApp } from './support/app.js';
import { startChromium, visit } from './support/chromium.js';
import { describeWith } from './support/programs.js';

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

describeWith('chromium', 'a post that is made to break its page', () => {
  let app: TestApp;
  let browser: Browser;
  let mina: SignedIn;
  beforeAll(async () => {
    app = await startApp();
    browser = await startChromium();
    mina = await signedIn(app);
  });
  afterAll(async () => {
    await browser.close();
    await app.stop();
  });

  it.each(TEXTS)('is shown with its title, its comments and its actions: %s', async (name, body) => {
    const made = await mina.call('POST', '/boards/free/posts', { title: `Hostile: ${name}`, body });
    expect(made.status).toBe(201);
    const path = made.headers.get('location') ?? '';
    await mina.call('POST', `${path}/comments`, { body: 'a comment below' });
    const { page, complaints } = await visit(browser, app.url, { viewport: { width: 390, height: 800 } });
    await page.goto(path.replace('/posts/', '/p/'));
    await page.getByRole('heading', { name: `Hostile: ${name}` }).waitFor();
    await page.getByText('a comment below').waitFor();
    await page.getByRole('button', { name: /like/i }).first().waitFor();
    // Nothing makes the page wider than the screen.
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});
