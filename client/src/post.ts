import { Failure, type FieldError } from './failure.js';

/** Time limit of a request. The grace period of the server's refresh protocol is at least twice as long. */
export const TIMEOUT_MS = 8_000;

/**
 * Posts to the API with the refresh cookie, and reads the response.
 * @throws {Failure} with the problem's code; `unreachable` without a response of the API
 */
export async function post<T>(
  send: typeof fetch,
  url: string,
  read: (responseBody: unknown) => T,
  body?: unknown,
): Promise<T> {
  let failure: Partial<Failure> = {};
  try {
    const response = await send(
      new Request(url, {
        method: 'POST',
        credentials: 'include',
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(body !== undefined && {
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }),
      }),
    );
    failure = { retryAfter: Number(response.headers.get('retry-after')) || undefined };
    const text = await response.text();
    const responseBody: unknown = text === '' ? undefined : JSON.parse(text);
    if (response.ok) return read(responseBody);
    const { code, errors } = responseBody as { code?: string; errors?: readonly FieldError[] };
    failure = { ...failure, code, errors };
  } catch (cause) {
    failure = { ...failure, cause };
  }
  throw new Failure(failure.code ?? 'unreachable', failure);
}
