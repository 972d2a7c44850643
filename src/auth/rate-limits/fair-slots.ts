import type { RateLimiterAbstract } from 'rate-limiter-flexible';
import { consume, tooManyAttempts, type MakeCounter } from '../../rate-limits/counters.js';
import { refuseWhile } from './backoff.js';
import { UNKNOWN_CLIENT_BACKOFF } from './password-limits.js';

/** Seconds for which a slot is reserved after the wait for it. */
const SLOT_LIFETIME_S = 600;

/**
 * Slots for attempts at one account, reserved per client: after its wait, a client gets one attempt, whatever others do. With one
 * slot for all clients, the client with the most requests would get every one.
 */
export class FairSlots {
  private readonly waiting: RateLimiterAbstract;
  private readonly reserved: RateLimiterAbstract;

  constructor(make: MakeCounter) {
    this.waiting = make('slot:waiting', { points: 1, duration: UNKNOWN_CLIENT_BACKOFF.maxS });
    this.reserved = make('slot:reserved', { points: 1, duration: SLOT_LIFETIME_S });
  }

  /**
   * Takes the slot that is reserved for a key, or reserves one.
   * @throws {Problem} `too_many_attempts` until the slot can be taken.
   */
  async take(key: string, seconds: number): Promise<void> {
    refuseWhile(await this.waiting.get(key));
    if (await this.reserved.delete(key)) return;
    await consume(this.waiting, key, { customDuration: seconds });
    await this.reserved.set(key, 1, SLOT_LIFETIME_S);
    throw tooManyAttempts({ msBeforeNext: seconds * 1000 });
  }
}
