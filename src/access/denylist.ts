import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { CLOCK_SKEW_S, type VerifiedToken } from './access-token.js';

/** A refresh that was under way when its session ended may issue one more token within this time. */
const REFRESH_UNDER_WAY_MS = 10_000;

/** Reason to refuse a token whose signature is right. */
export type Revoked = 'ended' | 'outdated';

/**
 * Denylist of ended sessions, and of accounts that changed while access tokens from before are still valid. The access guard
 * looks it up after the signature, so that a logout takes effect at once without a read from a store. An entry is removed when the
 * last token that it can concern has expired.
 */
@Injectable()
export class Denylist {
  /** Expiry (ms) of the last token, by session id. In the order of insertion, and so of expiry. */
  private readonly endedSessions = new Map<string, number>();
  /** By account id: the time (s, by the issuer's clock) until which issued tokens are refused, and the expiry (ms) of the last one. */
  private readonly changedAccounts = new Map<string, { readonly issued: number; readonly until: number }>();

  constructor(private readonly config: Config) {}

  /** Refuses all access tokens of a session from now on. */
  denySession(sessionId: string): void {
    const now = Date.now();
    this.removeExpired(now);
    this.endedSessions.delete(sessionId);
    this.endedSessions.set(sessionId, this.lastExpiry(now));
  }

  /**
   * Refuses all access tokens of an account that were issued until now, because their roles may be outdated. The issuer's clock
   * may be ahead of this one by `CLOCK_SKEW_S`.
   */
  denyTokensIssuedUntilNow(accountId: string): void {
    const now = Date.now();
    this.removeExpired(now);
    this.changedAccounts.delete(accountId);
    this.changedAccounts.set(accountId, {
      issued: Math.floor(now / 1000) + CLOCK_SKEW_S,
      until: this.lastExpiry(now),
    });
  }

  /**
   * Returns the time of issue (s) for a new token of an account. After a change of the account it is in the future: other
   * processes learn of the change up to a poll later, and their clocks may be ahead of this one.
   */
  issueAt(accountId: string): number {
    const now = Math.floor(Date.now() / 1000);
    const change = this.changedAccounts.get(accountId);
    if (change === undefined) return now;
    return Math.max(now, change.issued + CLOCK_SKEW_S + this.config.revocationPollS + 1);
  }

  hasSession(sessionId: string): boolean {
    return this.endedSessions.has(sessionId);
  }

  /** Returns the reason to refuse a token; undefined where there is none. */
  verdict({ actor, issuedAt }: VerifiedToken): Revoked | undefined {
    if (this.endedSessions.has(actor.sessionId)) return 'ended';
    const change = this.changedAccounts.get(actor.accountId);
    return change !== undefined && issuedAt <= change.issued ? 'outdated' : undefined;
  }

  get size(): number {
    return this.endedSessions.size + this.changedAccounts.size;
  }

  private lastExpiry(now: number): number {
    return now + this.config.accessTokenTtlS * 1000 + REFRESH_UNDER_WAY_MS;
  }

  private removeExpired(now: number): void {
    for (const [sessionId, until] of this.endedSessions) {
      if (until > now) break;
      this.endedSessions.delete(sessionId);
    }
    for (const [accountId, { until }] of this.changedAccounts) {
      if (until > now) break;
      this.changedAccounts.delete(accountId);
    }
  }
}
