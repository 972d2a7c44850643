import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Elapsed } from '../../concurrency/elapsed.js';

/**
 * How long (ms) a request may take from its arrival to its step. The grace is twice the 8 s after which our client gives up
 * and these, so that no step is taken after its client may have gone on with another (docs/refresh.md).
 */
export const MAX_REQUEST_AGE_MS = 2_000;
/** How often (ms) it beats. */
export const TICK_MS = 250;

/** By when (ms, `performance.now()`) a request has to be carried out, and whether that can still be. */
@Injectable()
export class PauseDetector implements OnApplicationShutdown {
  private readonly timer = setInterval(() => this.tick(), TICK_MS).unref();
  private readonly sinceTick = new Elapsed();
  private paused = false;

  /**
   * For a request that has just been read. Undefined where this process stood still a moment ago, and nobody knows for how
   * long it had been waiting.
   */
  deadline(): number | undefined {
    // Sockets may be read before the timers run.
    if (this.sinceTick.ms > MAX_REQUEST_AGE_MS) this.paused = true;
    return this.paused ? undefined : performance.now() + MAX_REQUEST_AGE_MS - this.sinceTick.ms;
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  private tick(): void {
    // At the second beat after standing still the sockets have been read since the first.
    this.paused = this.sinceTick.ms > MAX_REQUEST_AGE_MS;
    this.sinceTick.restart();
  }
}
