import { setTimeout as sleep } from 'node:timers/promises';

/** What one browser went through. */
export interface Experience {
  refreshed: number;
  read: number;
  /** Answers that it waited for in vain, on purpose or not, and connections that broke. */
  lost: number;
  unavailable: number;
  /** What must never happen to it: it was logged out, or got an answer that is no answer. */
  readonly wrong: string[];
}

interface Options {
  /** Any of these may answer any request: nothing is sticky. */
  readonly urls: () => readonly string[];
  readonly cookie: string;
  /** After this (ms) it gives up on a request, and asks again. */
  readonly patience: number;
  /** The longest pause (ms) between two rounds of a tab. */
  readonly pause: number;
  /** The share of answers that do not arrive. */
  readonly losing?: number;
}

/** Lets each browser live with so many tabs while `work` goes on; the tabs are closed whatever becomes of it. */
export async function whileBrowsing(
  browsers: readonly HonestBrowser[],
  tabs: number,
  work: () => Promise<void>,
): Promise<void> {
  const closed = new AbortController();
  const life = Promise.all(browsers.map((browser) => browser.browse(tabs, closed.signal)));
  try {
    await work();
  } finally {
    closed.abort();
    await life;
  }
}

/**
 * One person's browser: several tabs, one cookie jar. Its requests carry the cookie of that moment, and it takes cookies in
 * the order in which answers arrive. Each tab refreshes, reads, pauses, and asks again when an answer did not come.
 */
export class HonestBrowser {
  readonly experience: Experience = { refreshed: 0, read: 0, lost: 0, unavailable: 0, wrong: [] };
  cookie: string;

  constructor(private readonly options: Options) {
    this.cookie = options.cookie;
  }

  /** Lets so many tabs live until `closed`. */
  async browse(tabs: number, closed: AbortSignal): Promise<void> {
    await Promise.all(Array.from({ length: tabs }, () => this.tab(closed)));
  }

  private async tab(closed: AbortSignal): Promise<void> {
    while (!closed.aborted && this.experience.wrong.length === 0) {
      const token = await this.refresh();
      if (token === undefined) await sleep(50 + Math.random() * 200);
      else {
        await this.read(token);
        await sleep(Math.random() * this.options.pause);
      }
    }
  }

  /** An access token, or undefined when none came this time. */
  async refresh(): Promise<string | undefined> {
    const answer = await this.ask('/auth/refresh', {
      method: 'POST',
      headers: { cookie: `refresh=${this.cookie}` },
    });
    if (answer === undefined) return undefined;
    const { status, headers, body } = answer;
    if (status !== 200) {
      this.experience.wrong.push(`refresh: ${status} ${body.code}`);
      return undefined;
    }
    const cookie = /^refresh=([^;]+)/.exec(headers.getSetCookie()[0] ?? '')?.[1];
    if (cookie === undefined) this.experience.wrong.push('a refresh without a cookie');
    else this.cookie = cookie;
    this.experience.refreshed++;
    return body.accessToken;
  }

  private async read(token: string): Promise<void> {
    const answer = await this.ask('/users/me', { headers: { authorization: `Bearer ${token}` } });
    if (answer?.status === 200) this.experience.read++;
    // A token that expired, or whose account changed, is what refreshing is for.
    else if (answer !== undefined && answer.body.code !== 'access_token_expired') {
      this.experience.wrong.push(`read: ${answer.status} ${answer.body.code}`);
    }
  }

  private async ask(path: string, init: RequestInit) {
    const urls = this.options.urls();
    const url = urls[Math.floor(Math.random() * urls.length)];
    const losing = this.options.losing ?? 0.1;
    const patience = Math.random() < losing ? Math.random() * 20 : this.options.patience;
    try {
      const response = await fetch(url + path, { ...init, signal: AbortSignal.timeout(Math.ceil(patience)) });
      const body = (await response.json()) as { code?: string; accessToken?: string };
      if (response.status === 503) {
        this.experience.unavailable++;
        return undefined;
      }
      return { status: response.status, headers: response.headers, body };
    } catch {
      this.experience.lost++;
      return undefined;
    }
  }
}
