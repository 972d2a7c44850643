import { Cookie, CookieJar } from 'tough-cookie';

/** One answer, as a browser sees it before it follows anything. */
export interface Page {
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Where it redirects to, absolute. */
  readonly location: string | undefined;
}

/** Who is asking: a page of the application, or a link on somebody else's. Decides about SameSite=Strict cookies. */
type From = 'own page' | 'elsewhere';

/**
 * A browser without scripts: keeps cookies by the rules of RFC 6265bis, follows redirects one by one, and submits the
 * consent form of the sandbox. Each instance is another person's.
 */
export class Browser {
  readonly jar = new CookieJar();

  constructor(private readonly appUrl: string) {}

  /** One request, without following what comes back. */
  async request(url: string, init: RequestInit = {}, from: From = 'own page'): Promise<Page> {
    const sameSiteContext = from === 'own page' ? 'strict' : 'lax';
    const cookie = await this.jar.getCookieString(url, { sameSiteContext });
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      headers: { ...(init.headers as Record<string, string>), ...(cookie !== '' && { cookie }) },
    });
    for (const line of response.headers.getSetCookie()) {
      const parsed = Cookie.parse(line);
      if (parsed !== undefined) await this.jar.setCookie(parsed, url);
    }
    const location = response.headers.get('location');
    return {
      url,
      status: response.status,
      headers: response.headers,
      text: await response.text(),
      location: location === null ? undefined : new URL(location, url).href,
    };
  }

  /** Presses a log-in button: the consent page of the provider. */
  async goTo(provider: string, returnTo?: string): Promise<Page> {
    const query = returnTo === undefined ? '' : `?returnTo=${encodeURIComponent(returnTo)}`;
    const start = await this.request(`${this.appUrl}/auth/${provider}${query}`);
    if (start.location === undefined) throw new Error(`no redirect: ${start.status} ${start.text}`);
    return this.request(start.location, {}, 'elsewhere');
  }

  /** Chooses who to be on a consent page: the address that the provider sends the browser back to, not yet followed. */
  async choose(persona: string, consentPage: Page): Promise<string> {
    const consent = /name="consent" value="([^"]+)"/.exec(consentPage.text)?.[1];
    if (consent === undefined) throw new Error(`no consent page: ${consentPage.status} ${consentPage.text}`);
    const body = new URLSearchParams({ consent, persona });
    const answer = await this.request(new URL('/consent', consentPage.url).href, { method: 'POST', body });
    if (answer.location === undefined)
      throw new Error(`the sandbox did not send back: ${answer.status} ${answer.text}`);
    return answer.location;
  }

  /** Goes all the way to the provider and back; the answer to the callback. */
  async logInWith(provider: string, persona: string, returnTo?: string): Promise<Page> {
    return this.request(await this.choose(persona, await this.goTo(provider, returnTo)), {}, 'elsewhere');
  }

  /** What a page does when it has landed: an access token, or undefined when nobody is logged in. */
  async accessToken(): Promise<string | undefined> {
    const answer = await this.request(`${this.appUrl}/auth/refresh`, { method: 'POST' });
    return answer.status === 200
      ? (JSON.parse(answer.text) as { accessToken: string }).accessToken
      : undefined;
  }

  /** The names of the cookies that the application's pages would send. */
  async cookieNames(): Promise<string[]> {
    return (await this.jar.getCookies(this.appUrl, { sameSiteContext: 'strict' })).map(({ key }) => key);
  }
}

/** The account that an access token speaks for. */
export function accountIdOf(accessToken: string): string {
  const payload = accessToken.split('.')[1] ?? '';
  return (JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sub: string }).sub;
}

/** What a page is told in `?login_error=` when a log-in has failed. */
export function loginErrorOf(page: Page): string | undefined {
  if (page.location === undefined) return undefined;
  return new URL(page.location).searchParams.get('login_error') ?? undefined;
}
