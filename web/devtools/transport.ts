import { makeStore } from '../state/store.js';
import { clearWithAccount } from '../state/account-state.js';
import { client } from '../session/session.js';
import { setTransport } from '../session/transport.js';
import { note, type Entry } from './journal.js';
import { noticeToken } from './seen-token.js';

/** Paths whose responses contain an access token. */
const ENTRANCES = /\/auth\/(login|refresh|verify-email)$/;
/** Time within which a request after a refused one counts as its repeat. */
const REPEAT_WITHIN_MS = 20_000;

/** Times of requests that were refused with `access_token_expired`, by method and path. */
const refused = new Map<string, number>();

/** Planned fault: the next request with a token gets the response for an expired token. */
export const expiryPlanned = makeStore(false);
/**
 * Planned fault: the response to the next refresh is withheld from the page. The browser still stores its cookie,
 * which a page cannot prevent.
 */
export const lossPlanned = makeStore(false);

clearWithAccount(() => {
  refused.clear();
  expiryPlanned.set(false);
  lossPlanned.set(false);
});

/** A `fetch` that records requests in the journal and injects planned faults. */
const watchedFetch: typeof fetch = async (input, init) => {
  const request = new Request(input, init);
  const url = new URL(request.url);
  const path = url.pathname + url.search;
  const name = `${request.method} ${path}`;
  const kind = url.pathname.endsWith('/auth/refresh') ? 'refresh' : 'request';
  const token = /^Bearer (.+)$/.exec(request.headers.get('authorization') ?? '')?.[1];
  if (token !== undefined) noticeToken(token);

  const began = performance.now();
  const firstAttempt = refused.get(name);
  const isRepeat = firstAttempt !== undefined && began - firstAttempt < REPEAT_WITHIN_MS;
  refused.delete(name);
  const record = (status: Entry['status']): void => {
    const now = performance.now();
    note({
      method: request.method,
      path,
      status,
      ms: Math.round(now - began),
      kind: isRepeat ? 'repeat' : kind,
      ...(isRepeat && { inAll: Math.round(now - firstAttempt) }),
    });
  };

  if (token !== undefined && expiryPlanned.get()) {
    expiryPlanned.set(false);
    refused.set(name, began);
    record(401);
    return expired(url.pathname);
  }
  let response: Response;
  try {
    response = await fetch(request);
  } catch (error) {
    // An aborted request has no result.
    if (!(error instanceof DOMException && error.name === 'AbortError')) record('none');
    throw error;
  }
  if (kind === 'refresh' && lossPlanned.get()) {
    lossPlanned.set(false);
    record('lost');
    throw new TypeError('the answer was lost, as planned');
  }
  if (await isExpiry(response)) refused.set(name, began);
  record(response.status);
  await noticeEntrance(url, response);
  return response;
};

/** Returns the response of the server to an expired token. */
function expired(instance: string): Response {
  const title = 'The access token has expired';
  const code = 'access_token_expired';
  const body = { type: `urn:daemun:problem:${code}`, title, status: 401, code, instance };
  return new Response(JSON.stringify(body), {
    status: 401,
    headers: {
      'content-type': 'application/problem+json; charset=utf-8',
      'www-authenticate': 'Bearer error="invalid_token", error_description="The access token has expired"',
    },
  });
}

async function isExpiry(response: Response): Promise<boolean> {
  if (response.status !== 401) return false;
  const { code } = await bodyOf<{ code?: string }>(response);
  return code === 'access_token_expired';
}

async function noticeEntrance(url: URL, response: Response): Promise<void> {
  if (!response.ok || !ENTRANCES.test(url.pathname)) return;
  const { accessToken } = await bodyOf<{ accessToken?: string }>(response);
  if (accessToken !== undefined) noticeToken(accessToken);
}

async function bodyOf<T extends object>(response: Response): Promise<Partial<T>> {
  try {
    return (await response.clone().json()) as Partial<T>;
  } catch {
    return {};
  }
}

/** Records the requests of the page from now on. */
export function startDevtools(): void {
  setTransport(watchedFetch);
  client.onChange(({ user }) => user === null && noticeToken(undefined));
}
