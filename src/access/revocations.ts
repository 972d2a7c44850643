import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Elapsed } from '../concurrency/elapsed.js';
import { CLOCK_SKEW_S, type VerifiedToken } from './access-token.js';

/** A refresh that was under way when the session ended (ms) may issue one more token. */
const UNDER_WAY = 10_000;
/** Someone who waits for what was missed waits no longer (ms): a map that may be stale is better than no answer. */
const PATIENCE = 1_000;
/** For so long (ms) after somebody waited in vain nobody else does. */
const IN_VAIN = 5_000;

/**
 * The sessions that ended, and the accounts that changed, while access tokens from before are still around. The guard
 * looks here after the signature, so that log-out works at once without a store read. An entry goes when the last token
 * it could concern has expired.
 */
@Injectable()
export class Denylist {
  /** Session id → when the last of its tokens expires (ms), in the order of insertion and so of expiry. */
  private readonly endedSessions = new Map<string, number>();
  /** Account id → tokens issued until then (s, by the issuer's clock) are refused, and when the last of them expires (ms). */
  private readonly changedAccounts = new Map<string, { readonly issued: number; readonly until: number }>();
  private news:
    | {
        readonly catchUp: () => Promise<void>;
        until: number;
        inVainAt: number;
        asked: Elapsed | undefined;
        failed: boolean;
      }
    | undefined;

  constructor(private readonly config: Config) {}

  /** From now on no access token of this session is accepted. */
  denySession(sessionId: string): void {
    const now = Date.now();
    this.removeExpired(now);
    this.endedSessions.delete(sessionId);
    this.endedSessions.set(sessionId, this.lastExpiry(now));
  }

  /**
   * From now on no access token of this account that was issued until now is accepted: its roles may be others. The issuer's clock
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
   * The time of issue (s) of a token for this account that no process takes for one from before a change. Other processes learn of
   * the change up to a poll later, and their clocks may be ahead of this one.
   */
  issueAt(accountId: string): number {
    const now = Math.floor(Date.now() / 1000);
    const change = this.changedAccounts.get(accountId);
    if (change === undefined) return now;
    return Math.max(now, change.issued + CLOCK_SKEW_S + this.config.revocationPoll + 1);
  }

  hasSession(sessionId: string): boolean {
    return this.endedSessions.has(sessionId);
  }

  /** What is wrong with a token whose signature is right; undefined when nothing is. */
  verdict({ actor, issuedAt }: VerifiedToken): 'ended' | 'outdated' | undefined {
    if (this.endedSessions.has(actor.sessionId)) return 'ended';
    const change = this.changedAccounts.get(actor.accountId);
    return change !== undefined && issuedAt <= change.issued ? 'outdated' : undefined;
  }

  /** How many entries there are. */
  get size(): number {
    return this.endedSessions.size + this.changedAccounts.size;
  }

  /** Where several processes may end sessions: `catchUp` fetches what others ended since it was last called. */
  follow(catchUp: () => Promise<void>): void {
    this.news = { catchUp, until: 0, inVainAt: -Infinity, asked: undefined, failed: false };
  }

  /** Everything that others had ended when it was `asked` for is known, and the next news come within so many ms. */
  caughtUp(nextWithin: number, asked = new Elapsed()): void {
    if (this.news === undefined) return;
    this.news.asked = asked;
    this.news.until = Date.now() + nextWithin;
    this.news.inVainAt = -Infinity;
    this.news.failed = false;
  }

  /** Time (ms) since this process asked for everything that others ended, and got it; 0 where there are no others. */
  get age(): number {
    if (this.news === undefined) return 0;
    return this.news.asked?.ms ?? Infinity;
  }

  /** Whether news are overdue: this process slept, or its stores are away. */
  get overdue(): boolean {
    return this.news !== undefined && Date.now() > this.news.until;
  }

  /** True where the last attempt to fetch what others ended has failed; false while the first one is under way, however slow. */
  get failing(): boolean {
    return this.news?.failed === true;
  }

  /**
   * Fetches what is overdue, or older than so many ms. When that cannot be had now, the map goes on as it is; a caller with a
   * `maxAge` looks at {@link age} and {@link failing} afterwards.
   */
  async freshen(maxAge = Infinity): Promise<void> {
    const { news } = this;
    if (news === undefined) return;
    const asked = this.ask(news, maxAge);
    // One request waits, with those of the same second; the others do not wait for stores that are away. A caller with a
    // `maxAge` waits for stores that are slow.
    if (Date.now() - news.inVainAt > IN_VAIN || (maxAge !== Infinity && !news.failed)) {
      const late = new Promise<void>((resolve) => setTimeout(resolve, PATIENCE).unref());
      await Promise.race([asked, late]);
    }
    if (!this.isStale(maxAge)) return;
    news.until = Math.max(news.until, Date.now() + PATIENCE);
    news.inVainAt = Date.now();
  }

  /** Twice where need be: what had been asked before this process slept knows nothing of that time. */
  private async ask(news: NonNullable<typeof this.news>, maxAge: number): Promise<void> {
    try {
      await news.catchUp();
      if (this.isStale(maxAge)) await news.catchUp();
    } catch {
      news.failed = true;
      // Whoever fetches says so in the log.
    }
  }

  private isStale(maxAge: number): boolean {
    return this.overdue || this.age > maxAge;
  }

  private lastExpiry(now: number): number {
    return now + this.config.accessTokenTtl * 1000 + UNDER_WAY;
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
