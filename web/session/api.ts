import { Failure, type FieldError } from '../../client/src/index.js';
import { client } from './session.js';
import { pageFetch } from './transport.js';

/** Options of an API call. `body` is sent as JSON. */
interface ApiRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Time limit of a call. The client may spend 20 seconds of it on a refresh of the access token. */
const TIMEOUT_MS = 30_000;

/** Failure `unreachable` because the connection could not be made or was lost. The server may be restarting. */
export class ConnectionFailure extends Failure {
  constructor(cause: unknown) {
    super('unreachable', { cause });
  }
}

/**
 * Calls the API with the access token of the user, and returns the response body.
 * @throws {Failure} with the problem's code; `unreachable` without a response of the API.
 */
export async function callApi<T>(path: string, request: ApiRequest = {}): Promise<T> {
  return (await callApiWithEtag<T>(path, request)).body;
}

/** Like {@link callApi}. Also returns the version of the resource, which is its `ETag`. */
export async function callApiWithEtag<T>(
  path: string,
  request: ApiRequest = {},
): Promise<{ readonly body: T; readonly version: string | undefined }> {
  return read(client.fetch(path, initOf(request)));
}

/** Calls a public route without an access token. It works during an outage of the session. */
export async function callApiAnonymously<T>(path: string, request: ApiRequest = {}): Promise<T> {
  const url = (import.meta.env.VITE_API_URL ?? '') + path;
  return (await read<T>(pageFetch(url, { ...initOf(request), credentials: 'include' }))).body;
}

function initOf({ method = 'GET', body, headers, signal }: ApiRequest): RequestInit {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  return {
    method,
    headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
  };
}

async function read<T>(sent: Promise<Response>): Promise<{ body: T; version: string | undefined }> {
  const response = await sent.catch((error: unknown) => {
    if (error instanceof Failure) throw error;
    // `fetch` throws a TypeError for a failed connection, and a DOMException after an abort.
    throw error instanceof TypeError
      ? new ConnectionFailure(error)
      : new Failure('unreachable', { cause: error });
  });
  const isJson = /^application\/(problem\+)?json\b/.test(response.headers.get('content-type') ?? '');
  const body: unknown = isJson ? await response.json().catch(() => undefined) : undefined;
  if (response.ok) return { body: body as T, version: response.headers.get('etag') ?? undefined };
  const retryAfter = Number(response.headers.get('retry-after')) || undefined;
  // An error response without a problem comes from an intermediary, such as a proxy.
  if (!isProblem(body)) throw new Failure('unreachable', { retryAfter });
  throw new Failure(body.code, { errors: body.errors ?? [], retryAfter });
}

function isProblem(body: unknown): body is { code: string; errors?: FieldError[] } {
  return typeof body === 'object' && body !== null && 'code' in body && typeof body.code === 'string';
}
