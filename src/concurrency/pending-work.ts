import { within } from './within.js';

/** A bounded set of promises that no caller awaits. Each handles its own failure. */
export class PendingWork {
  private readonly pending = new Set<Promise<void>>();

  /** @param limit Number of promises at once. */
  constructor(private readonly limit = Infinity) {}

  get size(): number {
    return this.pending.size;
  }

  get isFull(): boolean {
    return this.pending.size >= this.limit;
  }

  /**
   * Begins the work and keeps it until it settles. Returns a promise of that, which never rejects; undefined where the limit is
   * reached and the work does not begin.
   */
  add(work: () => Promise<void>): Promise<void> | undefined {
    if (this.isFull) return undefined;
    const promise = work()
      .catch(() => {})
      .finally(() => this.pending.delete(promise));
    this.pending.add(promise);
    return promise;
  }

  /** Waits until all work has settled, including work that is added meanwhile; at most `timeoutMs`. */
  async drain(timeoutMs = Infinity): Promise<void> {
    await within(this.settleAll(), timeoutMs);
  }

  private async settleAll(): Promise<void> {
    while (this.pending.size > 0) await Promise.all(this.pending);
  }
}
