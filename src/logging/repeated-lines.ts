/**
 * Log lines of which the first of a key is written at once, and the others as a number at the end of each interval. A key that
 * was not repeated for an interval begins anew.
 */
export class RepeatedLines {
  /** Lines since the last one written, by key. */
  private readonly counts = new Map<string, number>();

  /** @param most Keys that are told apart at once; further ones share one. */
  constructor(
    private readonly intervalMs: number,
    private readonly most = 100,
  ) {}

  /** Writes `first`, or counts it for `summary`. */
  log(key: string, first: () => void, summary: (count: number) => void): void {
    const shared = this.counts.has(key) || this.counts.size < this.most ? key : '';
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
