import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { find } from '../programs.js';

/** Starts a real browser that talks to nobody but the pages it is sent to. */
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
    ],
  });
}

/** A person's browser: one page, cookies of its own. */
export interface Visit {
  readonly page: Page;
  /** What the console has complained about, except for answers that say no. */
  readonly complaints: string[];
}

/** Opens a page of `origin`. Pictures from elsewhere are stood in for. */
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
