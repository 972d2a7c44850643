import type { User } from './contract.js';
import { startStopwatch } from './stopwatch.js';

/** Remaining lifetime below which the token could expire while a request is sent. */
const ON_THE_WAY_MS = 5_000;

/** An access token, with its expiry on a local clock. */
export interface AccessToken {
  readonly text: string;
  readonly user: User;
  /** Returns the milliseconds until the token should be renewed. The token is still valid then. */
  dueIn(): number;
  isSpent(): boolean;
}

/**
 * Returns a reader for the token response of a login or a refresh. It is created before the request, since the server
 * may have issued the token at any time after that. The token is due when a tenth to a fifth of its lifetime is left;
 * the random share spreads the refreshes of several tabs.
 */
export function expectAccessToken(): (responseBody: unknown) => AccessToken {
  const age = startStopwatch();
  return (responseBody) => {
    const { accessToken: text, expiresIn } = responseBody as { accessToken: string; expiresIn: number };
    const lifetime = expiresIn * 1_000;
    const due = lifetime * (0.8 + Math.random() / 10);
    const spent = lifetime - Math.min(ON_THE_WAY_MS, lifetime / 10);
    return { text, user: userOf(text), dueIn: () => due - age(), isSpent: () => age() > spent };
  };
}

/** Returns the user of a JWT's payload, for display only: each server verifies the token itself. */
function userOf(token: string): User {
  const [, payload = ''] = token.split('.');
  const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (character) =>
    character.charCodeAt(0),
  );
  const { sub, roles, sid } = JSON.parse(new TextDecoder().decode(bytes)) as {
    sub: string;
    roles: readonly string[];
    sid: string;
  };
  return { id: sub, roles, sessionId: sid };
}
