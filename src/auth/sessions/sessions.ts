import { Injectable, Logger } from '@nestjs/common';
import { DataSource, IsNull, MoreThan, type EntityManager } from 'typeorm';
import type { Actor } from '../../access/actor.js';
import { Denylist } from '../../access/denylist.js';
import { RevocationFeed } from '../../access/revocation-feed.js';
import { whileAnswerCanWait, withinBudget } from '../../http/request-budget.js';
import { Metrics } from '../../observability/metrics.js';
import { Problem, temporarilyUnavailable } from '../../problems/problem.js';
import { PauseDetector } from './pause-detector.js';
import { RefreshTokens, type RefreshToken } from './refresh-token.js';
import { Session } from './session.entity.js';
import {
  SessionStore,
  type EndReason,
  type Ending,
  type NewSession,
  type SessionFilter,
} from './session-store.js';

/** A session as its client gets it at login and at every refresh. */
export interface ClientSession {
  /** Subject of the access token. */
  readonly actor: Actor;
  /** For the cookie alone. */
  readonly refreshToken: string;
}

/** A session that has just been opened. */
export interface OpenedSession extends ClientSession {
  /**
   * Publishes the sessions that ended for it; to be called once the transaction is committed. Other processes are told in the
   * background, since a login promises nothing for them.
   */
  readonly publishEnded: () => Promise<void>;
}

/**
 * `session_ended`, for a session that a log-in in the same browser has just replaced. The answer leaves the cookie alone, which
 * may be that of the new session already, and asks for a repeat with whatever cookie there is by then.
 */
export class SessionReplaced extends Problem {
  constructor() {
    super('session_ended', { reason: 'replaced by a log-in', headers: { 'Retry-After': '1' } });
  }
}

/** Opens, refreshes and ends sessions. */
@Injectable()
export class Sessions {
  private readonly logger = new Logger(Sessions.name);

  constructor(
    private readonly dataSource: DataSource,
    private readonly pauseDetector: PauseDetector,
    private readonly store: SessionStore,
    private readonly refreshTokens: RefreshTokens,
    private readonly denylist: Denylist,
    private readonly feed: RevocationFeed,
    private readonly metrics: Metrics,
  ) {}

  /**
   * Opens a session for an account that has just proved who it is; in the caller's transaction, which sees to it that the
   * proof still holds, and locks the account. Ends the sessions that it replaces, and those beyond `SESSION_LIMIT`.
   */
  async open(
    session: Omit<NewSession, 'id'> & { readonly roles: readonly string[] },
    db: EntityManager = this.dataSource.manager,
  ): Promise<OpenedSession> {
    const { handle, sessionId } = this.refreshTokens.create();
    const ended = await this.store.open({ ...session, id: sessionId }, db);
    const { accountId, method, roles } = session;
    this.metrics.sessionsOpened.inc({ method });
    return {
      actor: { accountId, sessionId, roles },
      refreshToken: this.refreshTokens.mint(handle, 1),
      publishEnded: () => this.publishEndedAndLog(ended),
    };
  }

  /**
   * Rotates a refresh token (RFC 9700 §4.14.2).
   * @throws {SessionReplaced}
   * @throws {Problem} `refresh_token_invalid` for what we never made, `session_ended` for what is over, and
   *   `temporarily_unavailable` for what may have been sent so long ago that its client has gone on without an answer.
   */
  async refresh(presented: string | undefined): Promise<ClientSession> {
    const token = presented === undefined ? undefined : this.refreshTokens.parse(presented);
    if (token === undefined) throw new Problem('refresh_token_invalid');
    const until = this.pauseDetector.deadline();
    if (until === undefined) throw temporarilyUnavailable('this process was paused', undefined);
    // A step that the store has not taken by then is not taken any more.
    return withinBudget(() => this.rotate(token, until), until - performance.now());
  }

  private async rotate(
    { handle, sessionId, generation }: RefreshToken,
    until: number,
  ): Promise<ClientSession> {
    const found = await this.store.rotate(sessionId, generation, until);
    const living = found !== undefined && found.roles !== undefined && !this.denylist.hasSession(sessionId);
    this.metrics.refreshes.inc({ outcome: living ? found.outcome : 'ended' });
    if (found === undefined || this.denylist.hasSession(sessionId)) {
      if (await this.store.wasReplaced(sessionId)) throw new SessionReplaced();
      throw new Problem('session_ended', { reason: 'unknown, ended, or past a limit' });
    }
    const { outcome, accountId, roles } = found;
    if (outcome === 'reused') {
      this.logger.warn({ sessionId, accountId }, 'refresh token reuse: the session has been ended');
      this.feed.publish(sessionId);
      throw new Problem('session_ended', { reason: `generation ${generation} was presented again: reuse` });
    }
    if (roles === undefined) {
      await this.end(sessionId, 'account_disabled');
      throw new Problem('session_ended', { reason: 'the account is disabled' });
    }
    return {
      actor: { accountId, sessionId, roles },
      refreshToken: this.refreshTokens.mint(handle, found.generation),
    };
  }

  /**
   * Ends the session behind a refresh token, of whatever generation; anything else has no session to end. False when a log-in
   * in the same browser has just replaced the session, so that its cookie may be that of the new one already.
   */
  async logout(presented: string | undefined): Promise<boolean> {
    const sessionId = this.sessionOf(presented);
    if (sessionId === undefined || (await this.end(sessionId, 'logged_out'))) return true;
    return !(await this.store.wasReplaced(sessionId));
  }

  /** The session behind a refresh token, living or not; undefined for what we never made. */
  sessionOf(presented: string | undefined): string | undefined {
    return presented === undefined ? undefined : this.refreshTokens.parse(presented)?.sessionId;
  }

  /** Whether a session has neither ended nor passed its absolute limit, as its row says in the caller's transaction. */
  async isLiving(db: EntityManager, sessionId: string): Promise<boolean> {
    return db.existsBy(Session, { id: sessionId, endedAt: IsNull(), expiresAt: MoreThan(new Date()) });
  }

  /** Ends a session that the actor chose from the list of their own; false when there is no such living one. */
  async endOwn(actor: Actor, sessionId: string): Promise<boolean> {
    const ending = { reason: 'ended_from_list', from: actor.sessionId } as const;
    if ((await this.store.end(sessionId, ending, actor.accountId)) !== undefined) {
      await this.publishEnded([sessionId]);
      return true;
    }
    // Ended by a request before, which may have been answered 503. The living session of another owner is left alone.
    if (!(await this.isLiving(this.dataSource.manager, sessionId)))
      await this.store.evictEverywhere([sessionId]);
    return false;
  }

  /** Ends all sessions of the actor but the one that asks. */
  async endOthers({ accountId, sessionId }: Actor): Promise<void> {
    const ending = { reason: 'ended_from_list', from: sessionId } as const;
    const which = { except: sessionId };
    await this.publishEnded(await this.store.endAll(this.dataSource.manager, accountId, ending, which));
  }

  /**
   * Ends all sessions of an account, or some, in the caller's transaction. Returns a function to call once that is committed:
   * it tells all processes, and waits for that while the answer can wait. It never fails, since the caller's change is made;
   * other processes also find the endings in the rows.
   */
  async endAllOf(
    accountId: string,
    ending: Ending,
    db: EntityManager,
    which?: SessionFilter,
  ): Promise<() => Promise<void>> {
    const ended = await this.store.endAll(db, accountId, ending, which);
    return () => whileAnswerCanWait(this.publishEndedAndLog(ended));
  }

  /** Logs what {@link publishEnded} throws. */
  private async publishEndedAndLog(ended: readonly string[]): Promise<void> {
    try {
      await this.publishEnded(ended);
    } catch (error) {
      this.logger.warn({ err: error }, 'ended sessions could not be published to Redis');
    }
  }

  /** Refuses the access tokens of ended sessions, and resolves when no process refreshes the sessions any more. */
  private async publishEnded(ended: readonly string[]): Promise<void> {
    for (const sessionId of ended) this.feed.publish(sessionId);
    await this.store.evictEverywhere(ended);
  }

  /** False when it had ended before. */
  private async end(sessionId: string, reason: EndReason): Promise<boolean> {
    const owner = await this.store.end(sessionId, { reason });
    // A repeated log-out is as true as the first.
    await this.publishEnded([sessionId]);
    return owner !== undefined;
  }
}
