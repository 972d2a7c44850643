import type { RateLimiterAbstract, RateLimiterRes } from 'rate-limiter-flexible';
import { consume, tooManyAttempts, type MakeCounter } from '../../rate-limits/counters.js';
import { backoffAfter, type BackoffPolicy } from './password-limits.js';

/** Seconds without an attempt after which the failures of a key are forgotten. */
const MEMORY_S = 3_600;

/** Exponential backoff per key, counted in Redis or in this process. */
export class Backoff {
  private readonly attempts: RateLimiterAbstract;
  private readonly waiting: RateLimiterAbstract;

  constructor(
    private readonly policy: BackoffPolicy,
    make: MakeCounter,
    name: string,
  ) {
    this.attempts = make(`${name}:count`, { points: policy.free, duration: MEMORY_S });
    this.waiting = make(`${name}:pause`, { points: 1, duration: policy.maxS });
  }

  /** @throws {Problem} `too_many_attempts` while the key has to wait. Counts nothing. */
  async check(key: string): Promise<void> {
    refuseWhile(await this.waiting.get(key));
  }

  /**
   * Counts an attempt. Of several concurrent ones a single one passes, and the others do not count.
   * @throws {Problem} `too_many_attempts`.
   */
  async attempt(key: string): Promise<void> {
    const { consumedPoints } = await this.attempts.penalty(key);
    const seconds = backoffAfter(consumedPoints, this.policy);
    if (seconds === 0) return;
    try {
      await consume(this.waiting, key, { customDuration: seconds });
    } catch (error) {
      await this.attempts.reward(key);
      throw error;
    }
  }

  /** Takes the last {@link attempt} back. */
  async withdrawn(key: string): Promise<void> {
    await this.attempts.reward(key);
    await this.waiting.delete(key);
  }

  async succeeded(key: string): Promise<void> {
    await this.attempts.delete(key);
    await this.waiting.delete(key);
  }
}

/** @throws {Problem} `too_many_attempts` while a wait lasts. */
export function refuseWhile(wait: RateLimiterRes | null): void {
  if (wait !== null && wait.consumedPoints > 0 && wait.msBeforeNext > 0) throw tooManyAttempts(wait);
}
