/** How a {@link Client} is made. */
export interface ClientOptions {
  /** Where the API is, such as `https://api.example.com`. Unset: where the page came from. */
  readonly baseUrl?: string;
  /** What sends requests; unset: the browser's `fetch`. For those who want to watch the client, or to disturb it. */
  readonly fetch?: typeof fetch;
}

/** Who is logged in, as the access token says. */
export interface User {
  readonly id: string;
  readonly roles: readonly string[];
  readonly sessionId: string;
}

/**
 * Why {@link Client.user} may have changed:
 * - `login`: someone is logged in who was not before, by this tab or another.
 * - `refresh`: the answer to who is here, or a new access token for the same user, whose roles may have changed.
 * - `logout`: the user logged out, in this tab or another.
 * - `session_ended`: the session was ended by someone or something else, or is too old.
 */
export type Reason = 'login' | 'refresh' | 'logout' | 'session_ended';

export interface Change {
  /** `null`: nobody is logged in. */
  readonly user: User | null;
  readonly reason: Reason;
}

/** Who is logged in, and requests in their name. The access token itself is never given out. */
export interface Client {
  /** `undefined`: not known yet; `null`: nobody is logged in. */
  readonly user: User | null | undefined;

  /** Sends the browser to a provider's log-in page; it comes back to `returnTo` (unset: to this page). */
  login(provider: string, options?: { readonly returnTo?: string }): void;

  /** @throws {Failure} `credentials_invalid`, `email_not_verified`, `too_many_attempts`, … */
  loginWithPassword(email: string, password: string): Promise<User>;

  /**
   * Logs in with the token of the link in a mail that verifies an address.
   * @throws {Failure} `token_invalid`, …
   */
  loginWithMailToken(token: string): Promise<User>;

  /**
   * Asks the server who is here, and renews the access token. Several calls at a time are one request.
   * @throws {Failure} when it cannot be known, such as `unreachable` or `temporarily_unavailable`: nobody is logged out by that
   */
  refresh(): Promise<User | null>;

  /**
   * Like the browser's `fetch`, with URLs relative to `baseUrl`. Requests to the API carry the access token; when the
   * answer says that it has expired, it is renewed and the request repeated.
   * @throws {Failure} when a token is needed and cannot be had because of an outage; whatever `fetch` throws
   */
  readonly fetch: (input: Parameters<typeof fetch>[0], init?: RequestInit) => Promise<Response>;

  /** Calls back after each {@link Change}, until the function that it gives is called. */
  onChange(listener: (change: Change) => void): () => void;

  /**
   * Ends the session, everywhere.
   * @throws {Failure} when the server could not be told; then the user is still logged in
   */
  logout(): Promise<void>;
}
