import type { RateLimiterAbstract, RateLimiterRes } from 'rate-limiter-flexible';
import type { RateLimit } from '../../rate-limits/counters.js';

/** A limit for each of several windows. */
export type Tiers = readonly RateLimit[];

/** Counters of one thing over several fixed windows. */
export class Windows {
  constructor(private readonly counters: readonly RateLimiterAbstract[]) {}

  /** The window that is used up for the longest time; undefined where there is none. */
  async exhausted(key: string): Promise<RateLimiterRes | undefined> {
    const counts = await Promise.all(this.counters.map((counter) => counter.get(key)));
    return counts
      .filter((count) => count !== null)
      .filter(({ remainingPoints }) => remainingPoints <= 0)
      .toSorted((a, b) => b.msBeforeNext - a.msBeforeNext)[0];
  }

  async penalty(key: string): Promise<void> {
    await Promise.all(this.counters.map((counter) => counter.penalty(key)));
  }

  /** Takes a {@link penalty} back. */
  async reward(key: string): Promise<void> {
    await Promise.all(this.counters.map((counter) => counter.reward(key)));
  }
}
