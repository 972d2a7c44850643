/**
 * Who is logged in, and the access token, which lives in a variable here and nowhere else. The refresh cookie is the
 * browser's; no script ever sees it.
 */

/** @typedef {{ pointer: string, detail: string }} FieldError */

/** An answer that says no, or none at all (`unreachable`). */
export class Failure extends Error {
  /**
   * @param {string} code
   * @param {{ errors?: FieldError[], retryAfter?: number }} [more]
   */
  constructor(code, { errors = [], retryAfter } = {}) {
    super(code);
    this.code = code;
    this.errors = errors;
    this.retryAfter = retryAfter;
  }
}

/** After this long there is no answer. The server's refresh protocol counts on it. */
const PATIENCE_MS = 8_000;
/** A token with less than this left is not worth sending. */
const MARGIN_MS = 5_000;

/** @type {{ token: string, lifetime: number, expiresAt: number } | undefined} */
let held;
/** @type {Promise<boolean> | undefined} */
let asking;
/** @type {Array<() => void>} */
const listeners = [];

/** The access token that we hold, if any: its text, and how long it lives and will live, in milliseconds. */
export function accessToken() {
  if (held === undefined) return undefined;
  const { token, lifetime, expiresAt } = held;
  return { token, lifetime, left: Math.max(0, expiresAt - performance.now()) };
}

/** Calls back whenever the access token comes, changes or goes. @param {() => void} listener */
export function onChange(listener) {
  listeners.push(listener);
}

/** @param {typeof held} next */
function hold(next) {
  held = next;
  for (const listener of listeners) listener();
}

/**
 * Gets a new access token with the refresh cookie; at most one such request at a time.
 * @returns {Promise<boolean>} whether someone is logged in
 * @throws {Failure} when there is no way to know: nobody is logged out by that
 */
export function refresh() {
  asking ??= send('/auth/refresh', { method: 'POST' })
    .then(take)
    .then(
      () => true,
      (error) => {
        if (!(error instanceof Failure) || !['refresh_token_invalid', 'session_ended'].includes(error.code))
          throw error;
        hold(undefined);
        return false;
      },
    )
    .finally(() => (asking = undefined));
  return asking;
}

/** Logs in by a call that answers with a token. @param {string} path @param {unknown} body */
export async function enter(path, body) {
  take(await send(path, json('POST', body)));
}

/** Ends the session everywhere. */
export async function logOut() {
  await send('/auth/logout', { method: 'POST' });
  hold(undefined);
}

/** Calls the API as nobody in particular. @param {string} path @param {{ method?: string, body?: unknown }} [call] */
export function ask(path, { method = 'GET', body } = {}) {
  return send(path, body === undefined ? { method } : json(method, body));
}

/** Calls the API as whoever is logged in. @param {string} path @param {{ method?: string, body?: unknown }} [call] */
export async function askAsMe(path, { method = 'GET', body } = {}) {
  const init = body === undefined ? { method } : json(method, body);
  const response = await withToken((token) => {
    const headers = new Headers(init.headers);
    headers.set('authorization', `Bearer ${token}`);
    return attempt(path, { ...init, headers });
  });
  return answer(response);
}

/** Forgets the access token, when the session has ended by something else than logging out. */
export function forget() {
  hold(undefined);
}

/**
 * Makes a request with a token that is good: gets a new one before, when ours is about to expire, and after, when the
 * answer says that it has; then the request is made once more, and nobody notices.
 * @param {(token: string) => Promise<Response>} request
 */
export async function withToken(request) {
  if (held === undefined || held.expiresAt - performance.now() < MARGIN_MS) await refresh();
  if (held === undefined) throw new Failure('session_ended');
  const response = await request(held.token);
  if (response.status !== 401) return response;
  const known = /** @type {{ code?: string }} */ (
    await response
      .clone()
      .json()
      .catch(() => ({}))
  );
  if (known.code !== 'access_token_expired' && known.code !== 'session_ended') return response;
  return (await refresh()) && held !== undefined ? request(held.token) : response;
}

/** @param {unknown} received */
function take(received) {
  const { accessToken: token, expiresIn } = /** @type {{ accessToken: string, expiresIn: number }} */ (
    received
  );
  // Counted on a clock that nobody can set, unlike the one that `exp` refers to.
  hold({ token, lifetime: expiresIn * 1000, expiresAt: performance.now() + expiresIn * 1000 });
}

/** @param {string} method @param {unknown} body @returns {RequestInit} */
function json(method, body) {
  return { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

/** @param {string} path @param {RequestInit} init */
async function attempt(path, init) {
  try {
    return await fetch(path, { ...init, credentials: 'include', signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch {
    throw new Failure('unreachable');
  }
}

/** @param {string} path @param {RequestInit} init @returns {Promise<unknown>} */
async function send(path, init) {
  return answer(await attempt(path, init));
}

/** @param {Response} response @returns {Promise<unknown>} the body, if there is one */
async function answer(response) {
  const text = await response.text().catch(() => '');
  const isJson = /^application\/(problem\+)?json\b/.test(response.headers.get('content-type') ?? '');
  const body = isJson ? JSON.parse(text) : undefined;
  if (response.ok) return body;
  const retryAfter = Number(response.headers.get('retry-after')) || undefined;
  // An error that is not ours comes from something in between, such as a proxy.
  if (body === undefined) throw new Failure('unreachable', { retryAfter });
  const { code, errors } = /** @type {{ code: string, errors?: FieldError[] }} */ (body);
  throw new Failure(code, { errors, retryAfter });
}
