import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Elapsed } from '../../elapsed.js';

/**
 * How long (ms) a request may take from its arrival to its step. The grace is twice the 8 s after which our client gives up
 * and these, so that no step is taken after its client may have gone on with another (docs/refresh.md).
 */
export const LONGEST_WAIT = 2_000;
/** How often (ms) it beats. */
export const BEAT = 250;

/** By when (ms, `performance.now()`) a request has to be carried out, and whether that can still be. */
@Injectable()
export class Pulse implements OnApplicationShutdown {
  private readonly timer = setInterval(() => this.beat(), BEAT).unref();
  private readonly sinceBeat = new Elapsed();
  private stoodStill = false;

  /**
   * For a request that has just been read. Undefined where this process stood still a moment ago, and nobody knows for how
   * long it had been waiting.
   */
  deadline(): number | undefined {
    // Sockets may be read before the timers run.
    if (this.sinceBeat.ms > LONGEST_WAIT) this.stoodStill = true;
    return this.stoodStill ? undefined : performance.now() + LONGEST_WAIT - this.sinceBeat.ms;
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  private beat(): void {
    // At the second beat after standing still the sockets have been read since the first.
    this.stoodStill = this.sinceBeat.ms > LONGEST_WAIT;
    this.sinceBeat.restart();
  }
}
