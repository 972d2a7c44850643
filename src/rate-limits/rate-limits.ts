import { Injectable } from '@nestjs/common';
import type { RateLimiterAbstract } from 'rate-limiter-flexible';
import { Config } from '../config/config.js';
import { Redis } from '../redis/redis.js';
import { siteOf } from './client-address.js';
import { countersIn, scaledBy, consume, type RateLimit } from './counters.js';

const MINUTE = 60;
const HOUR = 3_600;

/** Limits of one kind of request; `own` is per account or anonymous client, and per session and network for `refresh`. */
interface RateLimitRow {
  readonly own: RateLimit;
  readonly network?: RateLimit;
  /** Counted in each process: a refresh takes one round trip to Redis, and no second one for its limit. */
  readonly inProcess?: true;
}

/**
 * Requests that read much or write, by what docs/costs.md calls them. A network is an IPv4 address or a /48 of IPv6, behind
 * which there may be thousands of people (CGNAT). `RATE_LIMIT_FACTOR` multiplies the points.
 */
export const RATE_LIMITS = {
  search: { own: { points: 60, duration: MINUTE }, network: { points: 600, duration: MINUTE } },
  post: { own: { points: 30, duration: HOUR }, network: { points: 300, duration: HOUR } },
  comment: { own: { points: 120, duration: HOUR }, network: { points: 1_200, duration: HOUR } },
  like: { own: { points: 300, duration: HOUR }, network: { points: 3_000, duration: HOUR } },
  edit: { own: { points: 300, duration: HOUR }, network: { points: 3_000, duration: HOUR } },
  profile: { own: { points: 60, duration: HOUR }, network: { points: 600, duration: HOUR } },
  board: { own: { points: 120, duration: HOUR }, network: { points: 1_200, duration: HOUR } },
  // No `network`: one account with many sessions could use up the refreshes of all its neighbours behind a CGNAT.
  refresh: { own: { points: 120, duration: MINUTE }, inProcess: true },
} as const satisfies Record<string, RateLimitRow>;
export type RateLimitName = keyof typeof RATE_LIMITS;

/** Keys of one counter in memory, some 4 MB. */
const MOST_KEYS = 10_000;

/** Counters of one kind of request. */
interface Counters {
  readonly own: RateLimiterAbstract;
  readonly network?: RateLimiterAbstract | undefined;
}

/** Counters of {@link RATE_LIMITS}. */
@Injectable()
export class RateLimits {
  private readonly counters: Readonly<Record<RateLimitName, Counters>>;

  constructor({ rateLimitFactor }: Config, redis: Redis) {
    const countersOf = (name: string, { own, network, inProcess }: RateLimitRow): Counters => {
      const make = countersIn(inProcess ? undefined : redis);
      const counter = (whose: string, limit: RateLimit) =>
        make(`${name}:${whose}`, scaledBy(rateLimitFactor, limit), MOST_KEYS);
      return { own: counter('own', own), network: network && counter('network', network) };
    };
    this.counters = Object.fromEntries(
      Object.entries(RATE_LIMITS).map(([name, row]) => [name, countersOf(name, row)]),
    ) as Record<RateLimitName, Counters>;
  }

  /**
   * Counts a request, of `own` (an account, say) and of the network of its address. What the network refuses does not count
   * against `own`.
   * @throws {Problem} `too_many_attempts`.
   */
  async hit(name: RateLimitName, { own, address }: RateLimitSubject): Promise<void> {
    const counters = this.counters[name];
    await consume(counters.own, own);
    if (counters.network === undefined) return;
    try {
      await consume(counters.network, siteOf(address));
    } catch (error) {
      await counters.own.reward(own);
      throw error;
    }
  }

  /** Gives back what {@link hit} took. */
  async undo(name: RateLimitName, { own, address }: RateLimitSubject): Promise<void> {
    const counters = this.counters[name];
    await counters.own.reward(own);
    await counters.network?.reward(siteOf(address));
  }
}

/** Of whom a request is counted. */
export interface RateLimitSubject {
  /** The account, or the anonymous client. */
  readonly own: string;
  readonly address: string;
}
