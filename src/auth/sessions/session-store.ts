import type { EntityManager } from 'typeorm';
import type { RotationOutcome } from './rotation.js';

export interface NewSession {
  readonly id: string;
  readonly accountId: string;
  /** Login method: `password`, `mailed_link`, or the id of a provider. */
  readonly method: string;
  readonly ip?: string;
  readonly userAgent?: string;
  /** Sessions of the same browser, of this or other accounts, which end. */
  readonly replaces?: readonly string[];
}

/** Reason for the end of a session, in its row and its audit event. */
export type EndReason =
  | 'logged_out'
  | 'ended_from_list'
  | 'reused'
  | 'account_disabled'
  | 'account_deleted'
  | 'password_reset'
  | 'password_changed'
  | 'unlinked'
  | 'unlinked_at_provider'
  | 'limit_passed'
  /** A login in the same browser. */
  | 'replaced'
  /** A login beyond `SESSION_LIMIT`: the least recently used session ends. */
  | 'limit_reached';

/** Details of the audit event `session_ended`. */
export interface Ending {
  readonly reason: EndReason;
  /** Session whose request ended this session, if it is another session. */
  readonly from?: string;
}

export interface SessionFilter {
  /** Session that the filter leaves out. */
  readonly except?: string;
  readonly method?: string;
}

/** Result of a step for a refresh token with a valid MAC. */
export interface RotatedSession {
  readonly outcome: RotationOutcome;
  /** Generation to issue. It has no meaning after `reused`. */
  readonly generation: number;
  readonly accountId: string;
  /** Undefined for a disabled account. */
  readonly roles?: readonly string[];
}

/**
 * Store of sessions, which takes the steps of the refresh protocol. A store contains no secret for making tokens.
 *
 * The statement that changes the row of a session also records the audit event; the event of a recovery in Redis is written
 * after the response. While the store is unavailable, methods throw the error of the driver: the response is 503, never 401.
 */
export abstract class SessionStore {
  /**
   * Opens a session, in the caller's transaction if there is one. Ends the sessions that it replaces, and the least recently
   * used sessions of the account beyond `SESSION_LIMIT`. The limit holds only if the transaction has locked the account.
   * @returns the ids of the ended sessions, for {@link evictEverywhere} after the commit.
   */
  abstract open(session: NewSession, db?: EntityManager): Promise<string[]>;

  /** Returns true if a login in the same browser has ended the session within the grace. */
  abstract wasReplaced(sessionId: string): Promise<boolean>;

  /**
   * Takes the step of rotation.ts, atomically and by the store's clock. Returns undefined for a session that is unknown, ended,
   * or past its idle or absolute limit. After `reused` the session has ended.
   * @param deadline Time (ms, `performance.now()`) after which the store refuses the step.
   * @throws {Problem} `temporarily_unavailable` after the deadline.
   */
  abstract rotate(
    sessionId: string,
    generation: number,
    deadline?: number,
  ): Promise<RotatedSession | undefined>;

  /**
   * Ends a session; with `owner`, only a session of that account. The session is for {@link evictEverywhere}.
   * @returns the account of the session; undefined if no living session was found.
   */
  abstract end(sessionId: string, ending: Ending, owner?: string): Promise<string | undefined>;

  /**
   * Ends the sessions of an account, all or by a filter, in the caller's transaction.
   * @returns the ids of the ended sessions, for {@link evictEverywhere} after the commit.
   */
  abstract endAll(
    db: EntityManager,
    accountId: string,
    ending: Ending,
    filter?: SessionFilter,
  ): Promise<string[]>;

  /** Removes the copies of ended sessions outside of their rows. Resolves when no process can refresh the sessions any more. */
  abstract evictEverywhere(sessionIds: readonly string[]): Promise<void>;
}
