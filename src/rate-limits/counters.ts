import { RateLimiterRedis, RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible';
import { Problem } from '../problems/problem.js';
import type { Redis } from '../redis/redis.js';
import { BoundedMemoryLimiter } from './bounded-memory.js';
import { redisCounters } from './redis-counters.js';

/** So many requests or attempts in so many seconds. */
export interface RateLimit {
  readonly points: number;
  readonly duration: number;
}

/** Makes a counter; counters of one name share their counts in Redis. */
export type MakeCounter = (name: string, limit: RateLimit, most?: number) => RateLimiterAbstract;

/**
 * Counters in Redis, or in this process where there is none or it is away; there at most `most` keys are counted
 * ({@link BoundedMemoryLimiter}).
 */
export function countersIn(redis?: Redis): MakeCounter {
  return (name, { points, duration }, most) => {
    const options = { keyPrefix: `daemun:limit:${name}`, points, duration };
    const memory = new BoundedMemoryLimiter(options, most);
    if (redis?.isConfigured !== true) return memory;
    return new RateLimiterRedis({
      ...options,
      storeClient: redisCounters(redis),
      useRedisPackage: true,
      rejectIfRedisNotReady: true,
      insuranceLimiter: memory,
    });
  };
}

/** The limit with its points multiplied by `RATE_LIMIT_FACTOR`. */
export function scaledBy(factor: number, { points, duration }: RateLimit): RateLimit {
  return { points: Math.max(1, Math.round(points * factor)), duration };
}

/** Takes one point. @throws {Problem} `too_many_attempts` where none is left. */
export async function consume(limiter: RateLimiterAbstract, key: string, options = {}): Promise<void> {
  try {
    await limiter.consume(key, 1, options);
  } catch (error) {
    throw error instanceof RateLimiterRes ? tooManyAttempts(error) : error;
  }
}

/** 429 with the seconds after which there are points again. */
export function tooManyAttempts({ msBeforeNext }: Pick<RateLimiterRes, 'msBeforeNext'>): Problem {
  const seconds = Math.max(1, Math.ceil(msBeforeNext / 1000));
  return new Problem('too_many_attempts', { headers: { 'Retry-After': String(seconds) } });
}
