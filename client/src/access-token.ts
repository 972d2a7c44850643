import type { User } from './contract.js';
import { startStopwatch } from './stopwatch.js';

/** With less than this left, a token could expire on its way. */
const ON_THE_WAY_MS = 5_000;

/** An access token in our hands. */
export interface AccessToken {
  readonly text: string;
  readonly user: User;
  /** Milliseconds until it should be renewed, while it is still good. */
  dueIn(): number;
  isSpent(): boolean;
}

/**
 * Reads what a log-in or a refresh answers. To be called before the request is sent: the token may be as old as that.
 * It is due when a fifth to a tenth of its life is left, so that tabs do not all ask at once.
 */
export function expectAccessToken(): (answer: unknown) => AccessToken {
  const age = startStopwatch();
  return (answer) => {
    const { accessToken: text, expiresIn } = answer as { accessToken: string; expiresIn: number };
    const lifetime = expiresIn * 1_000;
    const due = lifetime * (0.8 + Math.random() / 10);
    const spent = lifetime - Math.min(ON_THE_WAY_MS, lifetime / 10);
    return { text, user: userOf(text), dueIn: () => due - age(), isSpent: () => age() > spent };
  };
}

/** What the payload of a JWT says. Nobody is convinced by it here: it is for showing, and servers verify for themselves. */
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
