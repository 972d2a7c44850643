/** Interval of a {@link Periodic} task, and its callback for failures. */
interface PeriodicOptions {
  /** Pause between the end of a run and the begin of the next one. */
  readonly everyMs: number;
  /** Share by which a pause varies at random, so that processes that started together do not run in step (0). */
  readonly jitter?: number;
  /** Receives the error of a run that no caller awaits, and the number of such failures in a row. */
  readonly onFailure: (error: unknown, failures: number) => void;
}

/** Runs a task at intervals, and on demand in between; never twice at once. Its timer does not keep the process alive. */
export class Periodic {
  private timer: NodeJS.Timeout | undefined;
  private underWay: Promise<void> | undefined;
  private again = false;
  /** True from the call of {@link stop} on. */
  isStopped = false;
  private failures = 0;

  constructor(
    private readonly task: () => Promise<void>,
    private readonly options: PeriodicOptions,
  ) {}

  get isRunning(): boolean {
    return this.underWay !== undefined;
  }

  /** Begins the first interval. */
  start(): void {
    const { everyMs, jitter = 0 } = this.options;
    const pauseMs = everyMs * (1 + jitter * (2 * Math.random() - 1));
    this.timer = setTimeout(() => {
      void this.runAndReport().finally(() => {
        if (!this.isStopped) this.start();
      });
    }, pauseMs).unref();
  }

  /** Runs the task now, or joins the run under way. Rejects with the error of the task. */
  run(): Promise<void> {
    this.underWay ??= this.task().finally(() => {
      this.underWay = undefined;
      if (this.again) this.trigger();
    });
    return this.underWay;
  }

  /** Runs the task in the background: now, or once more after the run under way. */
  trigger(): void {
    this.again = this.isRunning && !this.isStopped;
    if (!this.isRunning && !this.isStopped) void this.runAndReport();
  }

  /** Resolves when no run is under way or triggered. */
  async idle(): Promise<void> {
    while (this.underWay !== undefined) await this.underWay.catch(() => {});
  }

  /** Ends the intervals, and waits for the run under way. */
  async stop(): Promise<void> {
    this.isStopped = true;
    this.again = false;
    clearTimeout(this.timer);
    await this.idle();
  }

  private async runAndReport(): Promise<void> {
    try {
      await this.run();
      this.failures = 0;
    } catch (error) {
      this.options.onFailure(error, ++this.failures);
    }
  }
}
