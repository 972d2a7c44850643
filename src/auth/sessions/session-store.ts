import type { EntityManager } from 'typeorm';
import type { RotationOutcome } from './rotation.js';

/** What is known of a session when it opens. */
export interface NewSession {
  readonly id: string;
  readonly accountId: string;
  /** `google`, `kakao`, `naver` or `password`. */
  readonly method: string;
  readonly ip?: string;
  readonly userAgent?: string;
  /** Sessions of the same browser, of this or other accounts. */
  readonly replaces?: readonly string[];
}

/** Why a session ended, as its audit event says. */
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
  /** A log-in in the same browser. */
  | 'replaced'
  /** Log-ins elsewhere, until the account had `SESSION_LIMIT` sessions that were used later. */
  | 'limit_reached';

/** The details of the audit event `session_ended`. */
export interface Ending {
  readonly reason: EndReason;
  /** The session that asked for it, where that is another one. */
  readonly from?: string;
}

/** Which of an account's sessions. */
export interface SessionFilter {
  /** All but this one. */
  readonly except?: string;
  /** Those alone that were opened in this way. */
  readonly method?: string;
}

/** What a store answers when a refresh token with a right mac is presented. */
export interface RotatedSession {
  readonly outcome: RotationOutcome;
  /** The generation to hand out. Meaningless after `reused`. */
  readonly generation: number;
  readonly accountId: string;
  /** Undefined when the account is disabled. */
  readonly roles?: readonly string[];
}

/**
 * Keeps sessions and runs the refresh protocol's step on them. A store never holds what is needed to make a token.
 * The statement that changes the row of a session also records the audit event; the event of a recovery in Redis follows
 * the answer. Every method throws what its driver throws when the store is away; that becomes 503, never a 401.
 */
export abstract class SessionStore {
  /**
   * Records a session that opens now, with the limits of the configuration, in the caller's transaction if there is one. Ends
   * those that it replaces, and the least recently used of the account beyond `SESSION_LIMIT`; their ids. Once that is
   * committed, each of them has to be given to {@link evictEverywhere}. The limit holds where the transaction has locked the account.
   */
  abstract open(session: NewSession, db?: EntityManager): Promise<string[]>;

  /** True where a log-in in the same browser has ended the session within the grace. */
  abstract wasReplaced(sessionId: string): Promise<boolean>;

  /**
   * The step `present(p)` of rotation.ts: atomic, by the store's own clock. Undefined when the session is unknown, ended,
   * or past its idle or absolute limit. On `reused` the session has ended when this returns.
   *
   * After `until` (ms, `performance.now()`) the step is not taken any more, whenever the store gets to read of it.
   * @throws {Problem} `temporarily_unavailable` when it was too late.
   */
  abstract rotate(sessionId: string, generation: number, until?: number): Promise<RotatedSession | undefined>;

  /**
   * Ends a session for good; whose it was, or undefined when it had ended already and stays as it was. With an owner, only a
   * session of that account. It has to be given to {@link evictEverywhere}.
   */
  abstract end(sessionId: string, ending: Ending, owner?: string): Promise<string | undefined>;

  /**
   * Ends all sessions of an account, or some, in the caller's transaction; their ids. Once that is committed, each of them
   * has to be given to {@link evictEverywhere}.
   */
  abstract endAll(
    db: EntityManager,
    accountId: string,
    ending: Ending,
    which?: SessionFilter,
  ): Promise<string[]>;

  /** Resolves when no process refreshes these ended sessions any more from what is kept of them outside of their rows. */
  abstract evictEverywhere(sessionIds: readonly string[]): Promise<void>;
}
