import type { AccessToken } from './access-token.js';
import { Failure } from './failure.js';
import type { Session } from './session.js';

/** Codes of problems after which the client refreshes the access token. */
const RENEWABLE = /^(access_token_expired|access_token_invalid|session_ended)$/;

/**
 * Creates a `fetch` that sends the access token to `base` only. A request that one user started is never repeated
 * with the token of another user who logged in meanwhile.
 */
export function authorizedFetch(base: string, send: typeof fetch, session: Session): typeof fetch {
  const { origin } = new URL(base);

  return async (input, init) => {
    const plain = new Request(resolve(base, input), init);
    if (new URL(plain.url).origin !== origin || plain.headers.has('authorization')) return send(plain);
    // Some calls set or clear a cookie, also if the API is on another origin.
    const request =
      plain.credentials === 'same-origin' ? new Request(plain, { credentials: 'include' }) : plain;

    const { user } = session;
    let outage: unknown;
    await session.prepare().catch((error: unknown) => (outage = error));
    const { token } = session;
    if (user && token && token.user.id !== user.id) throw new Failure('session_ended');
    // The request is sent without a token as well, since public resources can be read during an outage.
    const response = await send(token ? authorize(request.clone(), token) : request);
    if (response.status !== 401) return response;
    // A refusal because of the outage must not look like a logout.
    if (outage !== undefined) throw outage;
    if (token === undefined || !RENEWABLE.test(await codeOf(response))) return response;
    if (session.token === token) await session.refresh();
    const renewed = session.token;
    return renewed?.user.id === token.user.id ? send(authorize(request, renewed)) : response;
  };
}

/** Resolves relative URLs against `base`. */
function resolve(base: string, input: Parameters<typeof fetch>[0]): Parameters<typeof fetch>[0] {
  const isRelative = typeof input === 'string' && !/^([a-z][a-z\d+.-]*:|\/\/)/i.test(input);
  return isRelative ? `${base}/${input.replace(/^\//, '')}` : input;
}

function authorize(request: Request, { text }: AccessToken): Request {
  request.headers.set('authorization', `Bearer ${text}`);
  return request;
}

async function codeOf(response: Response): Promise<string> {
  const body: unknown = await response
    .clone()
    .json()
    .catch(() => undefined);
  return String((body as { code?: unknown } | undefined)?.code);
}
