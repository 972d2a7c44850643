import { makeStore } from '../state/store.js';

/** Content of an access token. The token itself is not kept. */
export interface SeenToken {
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Readonly<Record<string, unknown>>;
  /** Lifetime in seconds. */
  readonly lifetime: number;
  /** Expiry on the clock of `performance.now()`, which is monotonic. */
  readonly expiresAt: number;
}

const seen = makeStore<SeenToken | undefined>(undefined);
let last = '';
const listeners = new Set<(token: string | undefined) => void>();

/** Registers a listener for each new token, and for undefined after a logout. Swagger UI fills in the token this way. */
export function onToken(listener: (token: string | undefined) => void): void {
  listeners.add(listener);
}

/** Shows a token that was sent or received; undefined after a logout. */
export function noticeToken(token: string | undefined): void {
  // The end of a token identifies it, and is no secret alone.
  const mark = token?.slice(-12) ?? '';
  if (mark === last) return;
  last = mark;
  seen.set(token === undefined ? undefined : read(token));
  for (const listener of listeners) listener(token);
}

export const useSeenToken = seen.use;

function read(token: string): SeenToken | undefined {
  try {
    const [header = {}, payload = {}] = token.split('.', 2).map(decode);
    const { iat, exp } = payload as { iat?: number; exp?: number };
    const lifetime = (exp ?? 0) - (iat ?? 0);
    return { header, payload, lifetime, expiresAt: performance.now() + lifetime * 1_000 };
  } catch {
    return undefined;
  }
}

/** Decodes a part of a JWT (RFC 7515 §3.1). */
function decode(part: string): Record<string, unknown> {
  const binary = atob(part.replaceAll('-', '+').replaceAll('_', '/'));
  const text = new TextDecoder().decode(Uint8Array.from(binary, (char) => char.charCodeAt(0)));
  return JSON.parse(text) as Record<string, unknown>;
}
