import { RateLimiterRedis, RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible';
import { Problem } from '../problems/problem.js';
import type { Redis } from '../redis/redis.js';
import { BoundedMemoryLimiter } from './bounded-memory.js';
import { redisCounters } from './redis-counters.js';

/** Rate limit: `points` within `duration` seconds. */
export interface RateLimit {
  readonly points: number;
  readonly duration: number;
}

/** Makes a counter. Counters of one name share their counts in Redis; in memory there are at most `maxKeys`. */
export type MakeCounter = (name: string, limit: RateLimit, maxKeys?: number) => RateLimiterAbstract;

/** Returns a factory of counters in Redis, or in this process ({@link BoundedMemoryLimiter}) without Redis or while it is down. */
export function countersIn(redis?: Redis): MakeCounter {
  return (name, { points, duration }, maxKeys) => {
    const options = { keyPrefix: `daemun:limit:${name}`, points, duration };
    const memory = new BoundedMemoryLimiter(options, maxKeys);
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

/** Returns the limit with its points multiplied by `RATE_LIMIT_FACTOR`. */
export function scaledBy(factor: number, { points, duration }: RateLimit): RateLimit {
  return { points: Math.max(1, Math.round(points * factor)), duration };
}

/** Takes one point. @throws {Problem} `too_many_attempts` if none is left. */
export async function consume(limiter: RateLimiterAbstract, key: string, options = {}): Promise<void> {
  try {
    await limiter.consume(key, 1, options);
  } catch (error) {
    throw error instanceof RateLimiterRes ? tooManyAttempts(error) : error;
  }
}

/** 429 with `Retry-After`. */
export function tooManyAttempts({ msBeforeNext }: Pick<RateLimiterRes, 'msBeforeNext'>): Problem {
  const seconds = Math.max(1, Math.ceil(msBeforeNext / 1000));
  return new Problem('too_many_attempts', { headers: { 'Retry-After': String(seconds) } });
}
