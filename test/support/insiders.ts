import { expect } from '@jest/globals';
import type { TestApp } from './app.js';
import { Browser, accountIdOf, loginErrorOf, type Page } from './browser.js';

/** What any of the answers may have. */
export interface Body {
  readonly code?: string;
  readonly url: string;
  readonly nickname: string;
  readonly passwordSet: boolean;
  readonly identities: readonly { readonly provider: string }[];
  readonly items: readonly { readonly kind: string; readonly at: string }[];
  readonly nextCursor: string | null;
}

/** Somebody at a browser who is logged in. */
export interface Person {
  readonly browser: Browser;
  readonly id: string;
  readonly authorization: string;
}

/** People with accounts, by the public door; `app` is asked late, since it starts before the tests and after this. */
export function insiders(app: () => TestApp) {
  const person = async (browser: Browser): Promise<Person> => {
    const token = (await browser.accessToken()) ?? 'nobody';
    return { browser, id: accountIdOf(token), authorization: `Bearer ${token}` };
  };

  /** What an application answers to someone; the usual one unless told. */
  const call = async (who: Person, method: string, path: string, body?: unknown, on = app()) => {
    const answer = await who.browser.request(on.url + path, {
      method,
      headers: {
        authorization: who.authorization,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    return { status: answer.status, body: JSON.parse(answer.text || '{}') as Body };
  };

  /** Begins to link, and says yes at the provider; where that sends the browser back to. */
  const beginLink = async (who: Person, provider: string, persona: string): Promise<string> => {
    const { body } = await call(who, 'POST', `/auth/identities/${provider}`, { returnTo: '/me' });
    return who.browser.choose(persona, await who.browser.request(body.url, {}, 'elsewhere'));
  };

  return {
    call,
    beginLink,

    logIn: async (provider: string, persona: string, on = app()): Promise<Person> => {
      const browser = new Browser(on.url);
      expect(loginErrorOf(await browser.logInWith(provider, persona))).toBeUndefined();
      return person(browser);
    },

    logInWithPassword: async (email: string, password: string): Promise<Person> => {
      const browser = new Browser(app().url);
      await browser.request(`${app().url}/auth/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email, password }),
      });
      return person(browser);
    },

    /** Goes the way of linking: what the callback answers. */
    link: async (who: Person, provider: string, persona: string): Promise<Page> =>
      who.browser.request(await beginLink(who, provider, persona), {}, 'elsewhere'),
  };
}
