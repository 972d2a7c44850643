import { Failure, type FieldError } from '../../client/src/index.js';
import { watchedFetch } from '../devtools/transport.js';
import { client } from './session.js';

/** A call of the API. */
export interface ApiRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** After this long there is no answer. The client may need 20 seconds of it to find out who is here. */
const TIMEOUT_MS = 30_000;
/** How long what only reads is tried again while the server cannot be reached: it may be restarting. */
const RETRY_FOR_MS = 20_000;
const RETRY_PAUSE_MS = 1_000;

/**
 * Calls the API as whoever is here, and gives the answer's body.
 * @throws {Failure} `unreachable` where there was no answer.
 */
export async function callApi<T>(path: string, question: ApiRequest = {}): Promise<T> {
  return (await callApiWithEtag<T>(path, question)).body;
}

/** Like {@link callApi}, with the version of what was read (`ETag`). */
export async function callApiWithEtag<T>(
  path: string,
  question: ApiRequest = {},
): Promise<{ readonly body: T; readonly version: string | undefined }> {
  return read(await attempt(question, () => client.fetch(path, initOf(question))));
}

/** Calls what is everyone's, as nobody in particular: works also while nobody can tell who is here. */
export async function callApiAnonymously<T>(path: string, question: ApiRequest = {}): Promise<T> {
  const url = (import.meta.env.VITE_API_URL ?? '') + path;
  const send = () => watchedFetch(url, { ...initOf(question), credentials: 'include' });
  return (await read<T>(await attempt(question, send))).body;
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

async function attempt(
  { method = 'GET', signal }: ApiRequest,
  send: () => Promise<Response>,
): Promise<Response> {
  const began = performance.now();
  for (;;) {
    try {
      return await send();
    } catch (error) {
      if (error instanceof Failure) throw error;
      // This is what `fetch` says of a connection that failed.
      const mayPass = error instanceof TypeError && navigator.onLine && signal?.aborted !== true;
      if (method !== 'GET' || !mayPass || performance.now() - began > RETRY_FOR_MS)
        throw new Failure('unreachable', { cause: error });
    }
    await new Promise((resolve) => {
      setTimeout(resolve, RETRY_PAUSE_MS);
    });
  }
}

async function read<T>(response: Response): Promise<{ body: T; version: string | undefined }> {
  const isJson = /^application\/(problem\+)?json\b/.test(response.headers.get('content-type') ?? '');
  const body: unknown = isJson ? await response.json().catch(() => undefined) : undefined;
  if (response.ok) return { body: body as T, version: response.headers.get('etag') ?? undefined };
  const retryAfter = Number(response.headers.get('retry-after')) || undefined;
  // An error that is not ours comes from something in between, such as a proxy.
  if (!isProblem(body)) throw new Failure('unreachable', { retryAfter });
  throw new Failure(body.code, { errors: body.errors ?? [], retryAfter });
}

function isProblem(body: unknown): body is { code: string; errors?: FieldError[] } {
  return typeof body === 'object' && body !== null && 'code' in body && typeof body.code === 'string';
}
