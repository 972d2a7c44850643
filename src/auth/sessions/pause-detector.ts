import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Elapsed } from '../../concurrency/elapsed.js';

/**
 * Longest time from the arrival of a refresh to its rotation. The grace is twice the sum of this and of the 8 s after which our
 * client gives up, so that no rotation follows after its client may have continued with another one (docs/refresh.md).
 */
export const MAX_REQUEST_AGE_MS = 2_000;
/** Interval of the ticks. */
export const TICK_MS = 250;

/** Detector of pauses of this process, such as a suspension of the machine. Requests from before a pause may have been given up. */
@Injectable()
export class PauseDetector implements OnApplicationShutdown {
  private readonly timer = setInterval(() => this.tick(), TICK_MS).unref();
  private readonly sinceTick = new Elapsed();
  private paused = false;

  /**
   * Returns the deadline (`performance.now()`) of a request that has just been read. Undefined after a pause, because the request
   * may have waited for as long as the pause.
   */
  deadline(): number | undefined {
    // After a pause the event loop may read sockets before it runs timers.
    if (this.sinceTick.ms > MAX_REQUEST_AGE_MS) this.paused = true;
    return this.paused ? undefined : performance.now() + MAX_REQUEST_AGE_MS - this.sinceTick.ms;
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  private tick(): void {
    // At the second tick after a pause, all sockets have been read since the first tick.
    this.paused = this.sinceTick.ms > MAX_REQUEST_AGE_MS;
    this.sinceTick.restart();
  }
}
