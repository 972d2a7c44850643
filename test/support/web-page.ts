import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { startChromium, visit, type Visit } from './chromium.js';
import { Mailbox } from './mailbox.js';
import { startSocialApp, type SocialApp } from './social.js';

/** The web page in a person's browser: a new one for each test. */
export class WebPage {
  app!: SocialApp;
  browser!: Browser;
  mailbox!: Mailbox;
  private visits: Visit[] = [];

  get page(): Page {
    const [first] = this.visits;
    if (first === undefined) throw new Error('nobody is visiting');
    return first.page;
  }

  async start(env: Record<string, string>): Promise<void> {
    this.mailbox = await Mailbox.open();
    this.app = await startSocialApp({ MAIL_URL: this.mailbox.url, ...env });
    this.browser = await startChromium();
  }

  async stop(): Promise<void> {
    await this.browser?.close();
    await this.app?.stop();
    await this.mailbox?.close();
  }

  /** Another person's browser, or that of the same person elsewhere. */
  async visit(options: BrowserContextOptions = {}): Promise<Page> {
    const other = await visit(this.browser, this.app.url, options);
    this.visits.push(other);
    return other.page;
  }

  /** No violation of the content security policy, no script error, whatever was tried. */
  async leave(): Promise<void> {
    const visits = this.visits;
    this.visits = [];
    for (const { page } of visits) await page.context().close();
    expect(visits.flatMap(({ complaints }) => complaints)).toEqual([]);
  }

  /** Expects the complaints so far: the test has broken something on purpose. */
  forgive(): void {
    for (const { complaints } of this.visits) complaints.length = 0;
  }

  /** Waits until something can be seen. */
  async sees(selector: string, text?: string | RegExp, page = this.page): Promise<Locator> {
    const found = page
      .locator(selector)
      .filter({ visible: true, ...(text !== undefined && { hasText: text }) })
      .first();
    await found.waitFor();
    return found;
  }

  /** Presses a button or a link by its name. */
  async press(name: string | RegExp, page = this.page): Promise<void> {
    const exact = typeof name === 'string';
    await page
      .getByRole('button', { name, exact })
      .or(page.getByRole('link', { name, exact }))
      .filter({ visible: true })
      .first()
      .click();
  }

  /** Fills fields by their labels, and sends the form. */
  async fillIn(values: Record<string, string>, submit: string, page = this.page): Promise<void> {
    for (const [label, value] of Object.entries(values)) {
      await page.getByLabel(label, { exact: true }).filter({ visible: true }).fill(value);
    }
    await page.locator('main form').getByRole('button', { name: submit, exact: true }).click();
  }

  /** Through the provider's consent page, from the page where one is, and back to it. */
  async logInWith(provider: string, persona = 'mina', page = this.page): Promise<void> {
    await page.click(`.provider.${provider}`);
    await page.click(`button[name=persona][value=${persona}]`);
    await this.sees('.mine', undefined, page);
  }

  /** Logs out, and waits for the answer: leaving the page earlier may cancel the request. */
  async logOut(): Promise<void> {
    await this.press('Log out');
    await this.sees('.note.good', 'You are logged out.');
  }

  /** Opens a page as somebody; afterwards they are there. */
  async openAs(persona: string, path: string, page = this.page): Promise<void> {
    await page.goto('/');
    await this.logInWith('kakao', persona, page);
    await page.goto(path);
    await this.sees('.mine', undefined, page);
  }

  /** Somebody else takes the place of whoever is here, in another tab of the same browser. */
  async takePlace(provider: string, persona: string): Promise<void> {
    const tab = await this.page.context().newPage();
    await tab.context().clearCookies();
    await tab.goto('/');
    await this.logInWith(provider, persona, tab);
    await tab.close();
  }

  /** Registers somebody, who has verified their address and is logged in afterwards. */
  async register(name: string): Promise<{ email: string; password: string }> {
    const email = `${name.toLowerCase()}@example.com`;
    const password = `${name} likes the sea`;
    await this.page.goto('/register');
    await this.fillIn({ 'E-mail': email, Password: password, Nickname: name }, 'Register');
    await this.sees('h1', 'Check your mail');
    await this.page.goto(await this.linkTo(email));
    await this.press('Verify and log in');
    await this.sees('.note.good', 'verified');
    return { email, password };
  }

  /** The link in the newest of so many mails. */
  async linkTo(email: string, count = 1): Promise<string> {
    const mail = (await this.mailbox.waitFor(email, count)).at(-1);
    return /http\S+#\S+/.exec(mail?.text ?? '')?.[0] ?? '';
  }
}

/** One application and one Chromium for a suite, and a new visitor for each of its tests. */
export function useWebPage(env: Record<string, string> = {}): WebPage {
  const web = new WebPage();
  beforeAll(() => web.start(env));
  afterAll(() => web.stop());
  beforeEach(() => web.visit());
  afterEach(() => web.leave());
  return web;
}
