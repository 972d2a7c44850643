import { Injectable, Logger } from '@nestjs/common';
import { DataSource, IsNull, MoreThan, type EntityManager } from 'typeorm';
import type { Actor } from '../../access/actor.js';
import { Denylist } from '../../access/denylist.js';
import { RevocationFeed } from '../../access/revocation-feed.js';
import { whileResponseCanWait, withinBudget } from '../../http/request-budget.js';
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

/** Session as its client receives it after a login or a refresh. */
export interface ClientSession {
  /** Subject of the access token. */
  readonly actor: Actor;
  /** For the refresh cookie only. */
  readonly refreshToken: string;
}

/** Session that has just been opened. */
export interface OpenedSession extends ClientSession {
  /**
   * Publishes the sessions that ended when this session was opened. To be called after the commit. A login does not wait for
   * it, because its response promises nothing about the ended sessions.
   */
  readonly publishEnded: () => Promise<void>;
}

/**
 * Problem `session_ended` of a session that a login in the same browser has just replaced. The response does not clear the
 * cookie, which may already be that of the new session. The client repeats the request with its current cookie.
 */
export class SessionReplaced extends Problem {
  constructor() {
    super('session_ended', { reason: 'replaced by a login', headers: { 'Retry-After': '1' } });
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
   * Opens a session for an authenticated account, in the transaction of the caller. That transaction locks the account and
   * checks that the login method is still valid. Also ends the replaced sessions and the sessions beyond `SESSION_LIMIT`.
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
   * @throws {Problem} `refresh_token_invalid` for a token with a wrong format or MAC, `session_ended` for a session that is over,
   *   and `temporarily_unavailable` for a request that its client may have given up.
   */
  async refresh(presented: string | undefined): Promise<ClientSession> {
    const token = presented === undefined ? undefined : this.refreshTokens.parse(presented);
    if (token === undefined) throw new Problem('refresh_token_invalid');
    const deadline = this.pauseDetector.deadline();
    if (deadline === undefined) throw temporarilyUnavailable('this process was paused', undefined);
    // The store refuses the step after the deadline, so the request does not wait longer.
    return withinBudget(() => this.rotate(token, deadline), deadline - performance.now());
  }

  private async rotate(
    { handle, sessionId, generation }: RefreshToken,
    deadline: number,
  ): Promise<ClientSession> {
    const rotated = await this.store.rotate(sessionId, generation, deadline);
    const living = rotated?.roles !== undefined && !this.denylist.hasSession(sessionId);
    this.metrics.refreshes.inc({ outcome: living ? rotated.outcome : 'ended' });
    if (rotated === undefined || this.denylist.hasSession(sessionId)) {
      if (await this.store.wasReplaced(sessionId)) throw new SessionReplaced();
      throw new Problem('session_ended', { reason: 'unknown, ended, or past a limit' });
    }
    const { outcome, accountId, roles } = rotated;
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
      refreshToken: this.refreshTokens.mint(handle, rotated.generation),
    };
  }

  /**
   * Ends the session of a refresh token of any generation; an invalid token has no session. Returns false if a login in the
   * same browser has just replaced the session, because the cookie may already be that of the new session.
   */
  async logout(presented: string | undefined): Promise<boolean> {
    const sessionId = this.sessionOf(presented);
    if (sessionId === undefined || (await this.end(sessionId, 'logged_out'))) return true;
    return !(await this.store.wasReplaced(sessionId));
  }

  /** Returns the session id of a refresh token, also of an ended session; undefined for an invalid token. */
  sessionOf(presented: string | undefined): string | undefined {
    return presented === undefined ? undefined : this.refreshTokens.parse(presented)?.sessionId;
  }

  /** Returns true if the row of a session has neither ended nor passed its absolute limit. Reads it in the caller's transaction. */
  async isLiving(db: EntityManager, sessionId: string): Promise<boolean> {
    return db.existsBy(Session, { id: sessionId, endedAt: IsNull(), expiresAt: MoreThan(new Date()) });
  }

  /** Ends a session that the actor chose from the session list. Returns false if the account has no such living session. */
  async endOwn(actor: Actor, sessionId: string): Promise<boolean> {
    const ending = { reason: 'ended_from_list', from: actor.sessionId } as const;
    if ((await this.store.end(sessionId, ending, actor.accountId)) !== undefined) {
      await this.publishEnded([sessionId]);
      return true;
    }
    // An earlier request may have ended the session and been answered 503. A living session of another account is not evicted.
    if (!(await this.isLiving(this.dataSource.manager, sessionId)))
      await this.store.evictEverywhere([sessionId]);
    return false;
  }

  /** Ends all sessions of the actor's account except the session of the request. */
  async endOthers({ accountId, sessionId }: Actor): Promise<void> {
    const ending = { reason: 'ended_from_list', from: sessionId } as const;
    const others = { except: sessionId };
    await this.publishEnded(await this.store.endAll(this.dataSource.manager, accountId, ending, others));
  }

  /**
   * Ends the sessions of an account, all or by a filter, in the caller's transaction. Returns a function to call after the
   * commit: it publishes the ended sessions, and waits for the other processes while the response can wait. It never rejects,
   * because the change is committed; the other processes also find the ended sessions in the rows.
   */
  async endAllOf(
    accountId: string,
    ending: Ending,
    db: EntityManager,
    filter?: SessionFilter,
  ): Promise<() => Promise<void>> {
    const ended = await this.store.endAll(db, accountId, ending, filter);
    return () => whileResponseCanWait(this.publishEndedAndLog(ended));
  }

  /** Logs errors of {@link publishEnded} instead of throwing them. */
  private async publishEndedAndLog(ended: readonly string[]): Promise<void> {
    try {
      await this.publishEnded(ended);
    } catch (error) {
      this.logger.warn({ err: error }, 'ended sessions could not be published to Redis');
    }
  }

  /** Denies the access tokens of ended sessions. Resolves when no process can refresh the sessions any more. */
  private async publishEnded(ended: readonly string[]): Promise<void> {
    for (const sessionId of ended) this.feed.publish(sessionId);
    await this.store.evictEverywhere(ended);
  }

  /** Returns false if the session had ended before. */
  private async end(sessionId: string, reason: EndReason): Promise<boolean> {
    const owner = await this.store.end(sessionId, { reason });
    // A repeated logout publishes as well, because its response 204 also means that the session has ended in all processes.
    await this.publishEnded([sessionId]);
    return owner !== undefined;
  }
}
