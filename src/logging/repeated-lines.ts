/**
 * Rate limit of repeated log lines: the first line of a key is written at once, and further ones as a number at the end of each
 * interval. After an interval without repetition the next line of the key counts as the first.
 */
export class RepeatedLines {
  /** Numbers of lines that were not written in this interval, by key. */
  private readonly counts = new Map<string, number>();

  /** @param maxKeys Number of keys that are counted separately; further keys share one count. */
  constructor(
    private readonly intervalMs: number,
    private readonly maxKeys = 100,
  ) {}

  /** Calls `first`, or counts the line for the next call of `summary`. */
  log(key: string, first: () => void, summary: (count: number) => void): void {
    const shared = this.counts.has(key) || this.counts.size < this.maxKeys ? key : '';
    const count = this.counts.get(shared);
    if (count !== undefined) return void this.counts.set(shared, count + 1);
    this.counts.set(shared, 0);
    first();
    const timer = setInterval(() => {
      const repeated = this.counts.get(shared) ?? 0;
      this.counts.set(shared, 0);
      if (repeated > 0) return summary(repeated);
      this.counts.delete(shared);
      clearInterval(timer);
    }, this.intervalMs).unref();
  }
}
