import { createRequire } from 'node:module';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { describeWith } from '../support/programs.js';
import { useWebPage } from '../support/fixtures/web-page.js';

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

describeWith('chromium', 'the accessibility of the page', () => {
  const web = useWebPage();

  /** Width of a small phone in pixels. */
  const PHONE = 360;
  /** Every kind of page, with the element that shows before the check. */
  const PAGES: readonly (readonly [path: string, seen: string])[] = [
    ['/', '.post-list'],
    ['/b/free', '.post-list'],
    ['/b/free?q=%EA%B8%80', '.found'],
    ['POST', '.comments .said'],
    ['POST/edit', '.editor'],
    ['/b/free/write', '.editor'],
    ['PERSON', '.person'],
    ['/me', '.mine-page form'],
    ['/me/ways-in', '.rows'],
    ['/me/sessions', '.rows'],
    ['/me/activity', '.events'],
    ['/me/delete', '.mine-page .danger'],
    ['/#verify-email=some.token', '.entry form'],
    ['/b/nowhere', '.nothing'],
  ];
  const OUTSIDE: readonly (readonly [path: string, seen: string])[] = [
    ['/', '.provider.google'],
    ['/login', '.provider.google'],
    ['/register', 'form'],
    ['/forgot-password', 'form'],
    ['/#verify-email=some.token', '.entry form'],
    ['/me', '.provider.google'],
    ['/?login_error=account_link_required', '.note.bad'],
    ['/#reset-password=some.token', 'form'],
  ];

  /** Returns the path of a page. Some pages belong to a user. */
  let places: Record<string, string>;
  const at = (path: string) => path.replace(/^(POST|PERSON)/, (name) => places[name] ?? '');

  /** Creates a context that admits axe, because the Content-Security-Policy of the page would block it. */
  async function open(locale: string, inside: boolean, options: object = {}): Promise<Page> {
    const page = await web.visit({ locale, bypassCSP: true, ...options });
    if (inside) await web.openAs('mina', '/', page);
    return page;
  }

  async function judge(page: Page): Promise<string[]> {
    await page.addScriptTag({ path: axe });
    return page.evaluate(`axe.run({ resultTypes: ['violations'] }).then(({ violations }) => violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ': ' + html)))`);
  }

  beforeAll(async () => {
    await web.visit();
    await web.openAs('mina', '/b/free/write');
    const text = '# One\n\n`code` [link](/)\n\n```\ncode\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |';
    await web.fillIn({ Title: 'Everything', Text: text }, 'Publish');
    await web.sees('.post');
    const post = new URL(web.page.url()).pathname;
    await web.fillIn({ 'Your comment': 'Hello' }, 'Comment');
    await web.sees('.comment');
    places = { POST: post, PERSON: (await web.page.getAttribute('.post .author', 'href')) ?? '' };
    await web.leave();
  });

  interface Inspection {
    readonly path: string;
    readonly violations: readonly string[];
    /** Of the page on a phone, in pixels. */
    readonly width: unknown;
  }

  /** Loads each kind of page once, for the tests of all its properties. */
  async function inspect(locale: string, inside: boolean): Promise<Inspection[]> {
    const page = await open(locale, inside);
    const inspections: Inspection[] = [];
    for (const [path, seen] of inside ? PAGES : OUTSIDE) {
      await page.goto('about:blank');
      await page.setViewportSize({ width: 1280, height: 720 });
      await page.goto(at(path));
      if (inside) await web.sees('.mine', undefined, page);
      await web.sees(seen, undefined, page);
      const violations = await judge(page);
      await page.setViewportSize({ width: PHONE, height: 740 });
      const width = await page.evaluate('document.documentElement.scrollWidth');
      inspections.push({ path, violations, width });
    }
    return inspections;
  }

  describe.each(['ko-KR', 'en-US'])('in %s', (locale) => {
    let inside: readonly Inspection[];
    let outside: readonly Inspection[];
    beforeAll(async () => {
      inside = await inspect(locale, true);
      outside = await inspect(locale, false);
    });
    const serious = (pages: readonly Inspection[]) => pages.filter(({ violations }) => violations.length > 0);

    it('has no serious axe violation for logged-in users', () => {
      expect(inside).toHaveLength(PAGES.length);
      expect(serious(inside)).toEqual([]);
    });

    it('has no serious axe violation for logged-out users', () => {
      expect(outside).toHaveLength(OUTSIDE.length);
      expect(serious(outside)).toEqual([]);
    });

    it('fits a phone without horizontal scrolling', () => {
      expect([...inside, ...outside].filter(({ width }) => width !== PHONE)).toEqual([]);
    });
  });

  it('announces results in view at any scroll position', async () => {
    const page = await open('en-US', true, { viewport: { width: 360, height: 740 } });
    await page.goto('/me');
    const save = page.getByRole('button', { name: 'Save' });
    await save.waitFor();
    await page.evaluate('scrollTo(0, document.body.scrollHeight)');
    await save.click();
    const told = await (await web.sees('.note.good', 'Saved.', page)).boundingBox();
    expect(await page.evaluate('scrollY')).toBeGreaterThan(100);
    expect(told?.y).toBeGreaterThanOrEqual(0);
    expect((told?.y ?? 0) + (told?.height ?? 0)).toBeLessThanOrEqual(740);
  });

  it('has no serious axe violation in dark mode or with the panel open', async () => {
    const page = await open('en-US', true, { colorScheme: 'dark' });
    for (const path of ['/#watch', 'POST#watch', '/me/sessions#watch']) {
      await page.goto('about:blank');
      await page.goto(at(path));
      await web.sees('.journal li', undefined, page);
      await web.sees('.mine', undefined, page);
      expect([path, await judge(page)]).toEqual([path, []]);
    }
  });

  it.each([
    ['ko-KR', 'ko', '대문이 열려 있어요'],
    ['fr-FR', 'en', 'The gate is open'],
  ])('selects the language of the browser, %s: %s', async (locale, lang, headline) => {
    const page = await web.visit({ locale });
    await page.goto('/');
    await web.sees('h1', headline, page);
    expect(await page.getAttribute('html', 'lang')).toBe(lang);
  });

  it('remembers the chosen language, and nothing else', async () => {
    await web.page.goto('/');
    await web.press('한국어');
    await web.sees('h1', '대문이 열려 있어요');
    await web.page.reload();
    await web.sees('h1', '대문이 열려 있어요');
    expect(await web.page.getAttribute('html', 'lang')).toBe('ko');
    expect(await web.page.evaluate('({ ...localStorage, ...sessionStorage })')).toEqual({ language: 'ko' });
    expect(web.page.url()).toBe(`${web.app.url}/`);
  });

  it('can be used with the keyboard alone, and announces each page', async () => {
    await web.page.goto('/');
    await web.sees('.post-list');
    await web.page.keyboard.press('Tab');
    expect(await web.page.evaluate('document.activeElement.className')).toBe('skip');
    await web.page.keyboard.press('Enter');
    expect(await web.page.evaluate('document.activeElement.id')).toBe('content');
    await web.page.locator('.post-list a').first().focus();
    await web.page.keyboard.press('Enter');
    await web.sees('.post');
    expect(await web.page.evaluate('document.activeElement.tagName')).toBe('H1');
    expect(await web.page.title()).toMatch(/ · Daemun$/);
  });
});
