import type { RateLimiterAbstract, RateLimiterRes } from 'rate-limiter-flexible';
import type { RateLimit } from '../../rate-limits/counters.js';

/** Limits over several windows. */
export type Tiers = readonly RateLimit[];

/** Counters over several fixed windows. */
export class Windows {
  constructor(private readonly counters: readonly RateLimiterAbstract[]) {}

  /** Returns the used-up window that ends last, or undefined. */
  async exhausted(key: string): Promise<RateLimiterRes | undefined> {
    const counts = await Promise.all(this.counters.map((counter) => counter.get(key)));
    return counts
      .filter((count) => count !== null)
      .filter(({ remainingPoints }) => remainingPoints <= 0)
      .toSorted((a, b) => b.msBeforeNext - a.msBeforeNext)[0];
  }

  /** Counts in every window. */
  async penalty(key: string): Promise<void> {
    await Promise.all(this.counters.map((counter) => counter.penalty(key)));
  }

  /** Takes a {@link penalty} back. */
  async reward(key: string): Promise<void> {
    await Promise.all(this.counters.map((counter) => counter.reward(key)));
  }
}
