/** Options of `createClient`. */
export interface ClientOptions {
  /** Base URL of the API, such as `https://api.example.com`; by default the origin of the page. */
  readonly baseUrl?: string;
  /** Function that sends requests; by default the browser's `fetch`. A wrapper can record requests or inject faults. */
  readonly fetch?: typeof fetch;
}

/** The user who is logged in, as the access token says. */
export interface User {
  readonly id: string;
  readonly roles: readonly string[];
  readonly sessionId: string;
}

/**
 * Reason of a {@link Change}:
 * - `login`: a user logged in, in this tab or another.
 * - `refresh`: the first response of the server, or a new access token for the same user, whose roles may have changed.
 * - `logout`: the user logged out, in this tab or another.
 * - `session_ended`: the session was ended elsewhere, or has expired.
 */
export type Reason = 'login' | 'refresh' | 'logout' | 'session_ended';

export interface Change {
  /** `null` after the end of the session. */
  readonly user: User | null;
  readonly reason: Reason;
}

/** The user who is logged in, and requests in the user's name. The client never gives out the access token. */
export interface Client {
  /** `undefined` until the server has answered; `null` if no user is logged in. */
  readonly user: User | null | undefined;

  /** Navigates to the login page of a provider, which leads back to `returnTo`; by default to this page. */
  login(provider: string, options?: { readonly returnTo?: string }): void;

  /** @throws {Failure} `credentials_invalid`, `email_not_verified`, `too_many_attempts`, … */
  loginWithPassword(email: string, password: string): Promise<User>;

  /**
   * Logs in with the token of the link in a mail that verifies an address.
   * @throws {Failure} `token_invalid`, …
   */
  loginWithMailToken(token: string): Promise<User>;

  /**
   * Renews the access token, and returns its user. Parallel calls share one request.
   * @throws {Failure} `unreachable`, `temporarily_unavailable`, …: the user stays logged in
   */
  refresh(): Promise<User | null>;

  /**
   * Like the browser's `fetch`, with URLs relative to `baseUrl`. Requests to the API carry the access token. If the
   * response says that the token has expired, the client renews the token and repeats the request.
   * @throws {Failure} if the request needs a token that cannot be renewed because of an outage; also errors of `fetch`
   */
  readonly fetch: (input: Parameters<typeof fetch>[0], init?: RequestInit) => Promise<Response>;

  /** Calls `listener` after each {@link Change}. Returns a function that removes the listener. */
  onChange(listener: (change: Change) => void): () => void;

  /**
   * Ends the session on the server and in all tabs.
   * @throws {Failure} if the request failed; the user stays logged in
   */
  logout(): Promise<void>;
}
