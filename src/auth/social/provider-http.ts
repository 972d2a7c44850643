import { parseJsonObject, type JsonObject } from './json.js';
import { LoginError, meaningOf, printableCode, type LoginErrorCode } from './login-error.js';
import type { ProviderDefinition, UnlinkCall } from './provider-definition.js';

/** Time limit of a call, from the first byte sent to the last received. Providers take well under one second. */
const TIMEOUT_MS = 5_000;
/** Time limit of the two calls of a callback: tokens and profile. */
export const PROVIDER_BUDGET_MS = 2 * TIMEOUT_MS;
/** Size limit of a response. Profiles have one or two kilobytes. */
const MAX_BYTES = 256 * 1024;
/** Access token that a header can carry. RFC 6750 §2.1 is stricter than the providers are. */
const ACCESS_TOKEN = /^[\x21-\x7e]{1,4096}$/;

interface Call {
  readonly method: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: URLSearchParams;
}

/** Redeems a code, and returns the token response with a usable `access_token`. @throws {LoginError} `provider_…`. */
export async function requestTokens(
  definition: ProviderDefinition,
  url: string,
  form: Readonly<Record<string, string>>,
): Promise<JsonObject & { readonly access_token: string }> {
  const body = await request(definition, url, { method: 'POST', body: new URLSearchParams(form) });
  const { access_token } = body;
  if (typeof access_token !== 'string' || !ACCESS_TOKEN.test(access_token))
    throw unavailable(definition, 'answered without a usable access token');
  return { ...body, access_token };
}

/** Reads a profile. The token is sent in a header, because servers log URLs. @throws {LoginError} `provider_…`. */
export function requestProfile(
  definition: ProviderDefinition,
  url: string,
  accessToken: string,
): Promise<JsonObject> {
  return request(definition, url, { method: 'GET', headers: { authorization: `Bearer ${accessToken}` } });
}

/** Ends a connection. The body is empty for a provider that sends no JSON. @throws {LoginError} `provider_unavailable`. */
export async function requestUnlink(
  definition: ProviderDefinition,
  url: string,
  { headers, form }: UnlinkCall,
): Promise<{ readonly status: number; readonly body: JsonObject }> {
  const call = { method: 'POST', headers, body: new URLSearchParams(form) } as const;
  const { response, text } = await exchange(definition, url, call);
  return { status: response.status, body: parse(text) ?? {} };
}

/**
 * Makes a call to a provider. An error code in the body counts whatever the HTTP status is.
 * @throws {LoginError} `provider_…`, and no other error.
 */
async function request(definition: ProviderDefinition, url: string, init: Call): Promise<JsonObject> {
  const { response, text } = await exchange(definition, url, init);
  const body = parse(text);
  const code = body === undefined ? undefined : definition.errorCode(body);
  const refused = code !== undefined && code !== null;
  if (response.ok && body !== undefined && !refused) return body;
  const said = refused ? ` and ${printableCode(code)}` : '';
  throw new LoginError(body === undefined ? 'provider_unavailable' : verdict(definition, response, code), {
    reason: `${definition.id} answered ${response.status}${said}${body === undefined ? ', not a JSON object' : ''}`,
  });
}

async function exchange(
  definition: ProviderDefinition,
  url: string,
  init: Call,
): Promise<{ response: Response; text: string }> {
  try {
    const response = await fetch(url, {
      ...init,
      headers: { accept: 'application/json', ...init.headers },
      // A redirect would send code and secret to another server.
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return { response, text: await readText(response) };
  } catch (cause) {
    throw unavailable(definition, 'did not answer properly', cause);
  }
}

/** Reads the whole body before it is decoded, because a character may span two chunks. */
async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // An error in the loop cancels the download.
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new Error(`more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
}

function parse(text: string): JsonObject | undefined {
  try {
    return parseJsonObject(text);
  } catch {
    return undefined;
  }
}

function verdict({ errors }: ProviderDefinition, { status }: Response, code: unknown): LoginErrorCode {
  // A redirect, a rate limit or an error of the provider, whatever its code says.
  if (status >= 500 || status === 429 || (status >= 300 && status < 400)) return 'provider_unavailable';
  const name = printableCode(code);
  const own = Object.hasOwn(errors, name) ? errors[name] : undefined;
  return own ?? meaningOf(name) ?? (status === 403 ? 'provider_misconfigured' : 'provider_rejected');
}

function unavailable({ id }: ProviderDefinition, what: string, cause?: unknown): LoginError {
  return new LoginError('provider_unavailable', { reason: `${id} ${what}`, cause });
}
