import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { find } from '../programs.js';

/** Starts Chromium without background connections. */
export function startChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: find('chromium'),
    args: [
      '--no-sandbox',
      '--headless',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      // Processes per site and optimised code cost more CPU time than they save in the short life of a test's page.
      '--renderer-process-limit=1',
      '--disable-features=IsolateOrigins,site-per-process',
      '--disable-site-isolation-trials',
      '--js-flags=--no-opt --no-maglev',
      '--in-process-gpu',
    ],
  });
}

/** Page in a browser context with its own cookies. */
export interface Visit {
  readonly page: Page;
  /** Errors and warnings of the console, except for responses with an error status. */
  readonly complaints: string[];
}

/** Opens a page of `origin`. Pictures of other hosts are replaced. */
export async function visit(
  browser: Browser,
  origin: string,
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const context = await browser.newContext({ locale: 'en-US', baseURL: origin, ...options });
  await context.route(/^https:/, (route) => route.fulfill({ contentType: 'image/svg+xml', body: PICTURE }));
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    const refused = /^Failed to load resource: (the server responded|net::ERR_FAILED)/.test(message.text());
    if (['error', 'warning'].includes(message.type()) && !refused) complaints.push(message.text());
  });
  return { page, complaints };
}

const PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><path d="M0 0h8v8H0z"/></svg>';
