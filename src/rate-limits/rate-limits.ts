import { Injectable } from '@nestjs/common';
import type { RateLimiterAbstract } from 'rate-limiter-flexible';
import { Config } from '../config/config.js';
import { Redis } from '../redis/redis.js';
import { siteOf } from './client-address.js';
import { countersIn, scaledBy, consume, type RateLimit } from './counters.js';

const MINUTE = 60;
const HOUR = 3_600;

/** Limits of one kind of request. A network is an IPv4 address or a /48 of IPv6, and may have thousands of users (CGNAT). */
interface RateLimitRow {
  /** Limit per account, or per anonymous client; for `refresh` per session and network. */
  readonly own?: RateLimit;
  readonly network?: RateLimit;
  /** Counted in each process, so that a refresh takes one round trip to Redis instead of two. */
  readonly inProcess?: true;
}

/** Limits of requests that are expensive or write, with their names in docs/costs.md. `RATE_LIMIT_FACTOR` multiplies the points. */
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

/** Limits of requests without an account: registrations, mails, and the tokens of mails. */
const ANONYMOUS_RATE_LIMITS = {
  register: { network: { points: 400, duration: HOUR } },
  'ask for a mail': { network: { points: 400, duration: HOUR } },
  'use a mailed token': { own: { points: 100, duration: 10 * MINUTE } },
} as const satisfies Record<string, RateLimitRow>;

export type RateLimitName = keyof typeof RATE_LIMITS | keyof typeof ANONYMOUS_RATE_LIMITS;

/** Keys of one counter of {@link RATE_LIMITS} in memory, some 4 MB. */
const MAX_KEYS = 10_000;

/** Counters of one kind of request. */
interface Counters {
  readonly own?: RateLimiterAbstract | undefined;
  readonly network?: RateLimiterAbstract | undefined;
}

/** Rate limits (throttling) of requests, counted in Redis, or in this process without Redis. */
@Injectable()
export class RateLimits {
  private readonly counters: Readonly<Record<RateLimitName, Counters>>;

  constructor({ rateLimitFactor }: Config, redis: Redis) {
    const countersOf = (rows: Readonly<Record<string, RateLimitRow>>, maxKeys?: number) =>
      Object.entries(rows).map(([name, { own, network, inProcess }]): [string, Counters] => {
        const make = countersIn(inProcess ? undefined : redis);
        const counter = (subject: keyof Counters, limit: RateLimit) =>
          make(`${name.replaceAll(' ', '-')}:${subject}`, scaledBy(rateLimitFactor, limit), maxKeys);
        return [name, { own: own && counter('own', own), network: network && counter('network', network) }];
      });
    this.counters = Object.fromEntries([
      ...countersOf(RATE_LIMITS, MAX_KEYS),
      ...countersOf(ANONYMOUS_RATE_LIMITS),
    ]) as Record<RateLimitName, Counters>;
  }

  /**
   * Counts a request for its account or client, and for its network. A request that the limit of the network refuses does not count
   * for the account.
   * @throws {Problem} `too_many_attempts`.
   */
  async hit(name: RateLimitName, { own, address }: RateLimitSubject): Promise<void> {
    const counters = this.counters[name];
    if (counters.own !== undefined) await consume(counters.own, own);
    if (counters.network === undefined) return;
    try {
      await consume(counters.network, siteOf(address));
    } catch (error) {
      await counters.own?.reward(own);
      throw error;
    }
  }

  /** Takes a {@link hit} back. */
  async undo(name: RateLimitName, { own, address }: RateLimitSubject): Promise<void> {
    const counters = this.counters[name];
    await counters.own?.reward(own);
    await counters.network?.reward(siteOf(address));
  }
}

/** Account or anonymous client that a request counts for, and its IP address. */
export interface RateLimitSubject {
  readonly own: string;
  readonly address: string;
}
