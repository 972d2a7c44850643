import { temporarilyUnavailable } from './problems/problem.js';

/** How busy a {@link Turns} is. */
export interface Load {
  readonly running: number;
  readonly waiting: number;
  /** Since the start, whether well or not. */
  readonly finished: number;
}

/** Lets a bounded number of tasks run at once and a bounded number wait for that, first come, first served. */
export class Turns {
  private readonly queue: (() => void)[] = [];
  private running = 0;
  private finished = 0;

  constructor(
    private readonly limits: { readonly atOnce: number; readonly waiting: number },
    private readonly name: string,
  ) {}

  get load(): Load {
    return { running: this.running, waiting: this.queue.length, finished: this.finished };
  }

  /**
   * Runs the task when its turn comes.
   * @throws {Problem} `temporarily_unavailable` at once when too many are waiting already.
   */
  async run<T>(task: () => Promise<T>): Promise<T> {
    await this.turn();
    try {
      return await task();
    } finally {
      this.finished++;
      const next = this.queue.shift();
      if (next === undefined) this.running--;
      // Whoever waited longest takes over this very place, so that nobody can slip in between.
      else next();
    }
  }

  private turn(): Promise<void> | undefined {
    if (this.running < this.limits.atOnce) {
      this.running++;
      return undefined;
    }
    if (this.queue.length >= this.limits.waiting) {
      throw temporarilyUnavailable(`too many are waiting for ${this.name}`, undefined);
    }
    return new Promise((resolve) => this.queue.push(resolve));
  }
}
