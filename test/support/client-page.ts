import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { jest } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import type { Change } from '../../client/src/contract.js';
import type { TestApp } from './app.js';

/** The browser package as one minified module, as a page's own build would make it. Vite does not run inside Jest. */
export async function bundleClient(): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ['scripts/bundle-client.mjs']);
  return stdout;
}

/** A person's browser in which every tab is a page that uses the client, and nothing else. */
export class ClientBrowser {
  private constructor(
    private readonly app: TestApp,
    readonly context: BrowserContext,
    private readonly page: string,
  ) {}

  /**
   * @param origin of the page; unset: that of the API
   * @param prepare a script that each page begins with
   * @param clock whether tests move the clocks of the pages
   */
  static async open(
    browser: Browser,
    app: TestApp,
    bundle: string,
    {
      origin = app.url,
      prepare = '',
      clock = false,
    }: { origin?: string; prepare?: string; clock?: boolean } = {},
  ): Promise<ClientBrowser> {
    const context = await browser.newContext();
    if (clock) await context.clock.install();
    const page = `${origin}/tab`;
    for (const [path, { type, body }] of Object.entries(filesOf(bundle))) {
      if (origin !== app.url) break;
      await context.route(origin + path, (route) => route.fulfill({ contentType: type, body }));
    }
    const baseUrl = origin === app.url ? '' : app.url;
    await context.addInitScript(`${prepare}\n${tab(baseUrl)}`);
    return new ClientBrowser(app, context, page);
  }

  /** Logs in through a provider, the way that the page itself would, and gives the tab that this was done in. */
  async loggedIn(persona = 'mina'): Promise<ClientTab> {
    const tab = await this.tab({ unasked: true });
    await tab.run('client.login("kakao")');
    await tab.page.click(`button[name=persona][value=${persona}]`);
    await tab.page.waitForURL(this.page);
    // Playwright stands in for pages that are asked for, not for those that a redirect leads to.
    await tab.page.goto(this.page);
    await tab.run('loaded');
    await tab.ready();
    return tab;
  }

  /** One more tab, which has asked who is here unless it is `unasked`. */
  async tab({ unasked = false } = {}): Promise<ClientTab> {
    const page = await this.context.newPage();
    page.setDefaultTimeout(15_000);
    await page.goto(this.page);
    const tab = new ClientTab(page);
    await tab.run('loaded');
    if (!unasked) await tab.ready();
    return tab;
  }

  /** Counts what is asked of a path from now on; the list grows. */
  watch(path: string): string[] {
    const seen: string[] = [];
    this.context.on('request', (request) => {
      if (request.url() === this.app.url + path && request.method() !== 'OPTIONS')
        seen.push(request.method());
    });
    return seen;
  }

  /** Lets the server do what it is asked once, and the answer get lost, with the cookie that is in it. */
  async loseNextAnswer(path: string): Promise<void> {
    await this.context.route(
      this.app.url + path,
      async (route) => {
        const request = route.request();
        await fetch(request.url(), { method: request.method(), headers: await request.allHeaders() });
        await route.abort('connectionreset');
      },
      { times: 1 },
    );
  }

  close(): Promise<void> {
    return this.context.close();
  }
}

/** A page with `client`, and `changes`, which has every change since it was loaded. */
export class ClientTab {
  constructor(readonly page: Page) {}

  /** What a script in the page gives. */
  run<T>(script: string): Promise<T> {
    return this.page.evaluate<T>(script);
  }

  async ready(): Promise<void> {
    await this.run('loaded.then(() => client.refresh())');
  }

  /** The status of the answer to a request in the name of whoever is logged in. */
  async status(path: string, init = ''): Promise<number> {
    return this.run(`client.fetch('${path}'${init && `, ${init}`}).then(({ status }) => status)`);
  }

  changes(): Promise<Change[]> {
    return this.run('changes');
  }

  /** Waits until so many changes have come. */
  async changed(count: number): Promise<void> {
    await this.page.waitForFunction(`changes.length >= ${count}`);
  }
}

/**
 * Serves the page from an origin of its own. A server that is really there, since Chromium lets pages that come from
 * elsewhere than this machine reach nothing on it (Local Network Access).
 */
export async function hostPage(bundle: string): Promise<{ readonly origin: string; close(): void }> {
  const files = filesOf(bundle);
  const server = createServer(({ url = '' }, response) => {
    const { type, body } = files[url] ?? { type: 'text/plain', body: '' };
    response.writeHead(body === '' ? 404 : 200, { 'content-type': type }).end(body);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

const filesOf = (bundle: string): Record<string, { type: string; body: string }> => ({
  '/tab': { type: 'text/html', body: HTML },
  '/client.js': { type: 'text/javascript', body: bundle },
});

const HTML = '<!doctype html><html lang="en"><head><title>tab</title></head><body></body></html>';

const tab = (baseUrl: string) => `
  globalThis.changes = [];
  globalThis.loaded = location.pathname !== '/tab' ? undefined : import('/client.js').then(({ createClient }) => {
    globalThis.client = createClient({ baseUrl: '${baseUrl}' });
    client.onChange((change) => changes.push(change));
  });
`;

/** Lets so many seconds pass for the server and its sessions, and not for the browser: as if that had slept. */
export async function letTimePass(app: TestApp, seconds: number): Promise<void> {
  const start = Date.now() + seconds * 1_000 - performance.now();
  jest.spyOn(Date, 'now').mockImplementation(() => Math.round(start + performance.now()));
  await app.database.query(
    'UPDATE auth.sessions SET rotated_at = rotated_at - $1, issued_at = issued_at - $1 WHERE rotated_at > 0',
    [seconds * 1_000],
  );
}

/** The generation of each session that has not ended, the oldest first: it counts rotations. */
export async function generations(app: TestApp): Promise<number[]> {
  const rows: { current: number }[] = await app.database.query(
    'SELECT current::int FROM auth.sessions WHERE ended_at IS NULL ORDER BY created_at',
  );
  return rows.map(({ current }) => current);
}
