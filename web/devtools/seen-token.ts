import { makeStore } from '../state/store.js';

/** What an access token says: anyone may read it, only a service needs to check its signature. The token itself is not kept. */
export interface SeenToken {
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Readonly<Record<string, unknown>>;
  /** Seconds. */
  readonly lifetime: number;
  /** On the clock of `performance.now()`, which nobody can set. */
  readonly expiresAt: number;
}

const seen = makeStore<SeenToken | undefined>(undefined);
let last = '';
const takers = new Set<(token: string | undefined) => void>();

/** Hands on each token that comes, and undefined when there is none any more. Only Swagger UI takes them, to fill them in. */
export function takeTokens(taker: (token: string | undefined) => void): void {
  takers.add(taker);
}

/** Notices a token that went by; undefined when there is none any more. */
export function noticeToken(token: string | undefined): void {
  // Its end tells tokens apart well enough, and is no secret without the rest.
  const mark = token?.slice(-12) ?? '';
  if (mark === last) return;
  last = mark;
  seen.set(token === undefined ? undefined : read(token));
  for (const take of takers) take(token);
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

/** A part of a JWT (RFC 7515 §3.1). */
function decode(part: string): Record<string, unknown> {
  const binary = atob(part.replaceAll('-', '+').replaceAll('_', '/'));
  const text = new TextDecoder().decode(Uint8Array.from(binary, (char) => char.charCodeAt(0)));
  return JSON.parse(text) as Record<string, unknown>;
}
