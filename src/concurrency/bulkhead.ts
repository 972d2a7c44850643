import { temporarilyUnavailable } from '../problems/problem.js';

export interface BulkheadLoad {
  readonly running: number;
  readonly waiting: number;
  /** Number of tasks since the start, with those that failed. */
  readonly finished: number;
}

/** Share of the queue. Tasks of one `key`, such as a client, have one share. */
export interface QueueShare {
  readonly key: string;
  /** True for a task that waits in the reserved queue, which other tasks cannot fill. */
  readonly reserved?: boolean;
}

/** Limits of a {@link Bulkhead}: numbers of tasks that run and wait. */
export interface BulkheadLimits {
  readonly concurrency: number;
  readonly queue: number;
  /** Waiters for `reserved` tasks, in addition to `queue` (as many). */
  readonly reserved?: number;
}

/**
 * Longest wait of a task. It leaves a second of `REQUEST_BUDGET_MS` for the task itself: after the response 503 the task would
 * cost as much, and the client would repeat its write.
 */
export const MAX_QUEUE_WAIT_MS = 3_000;

interface Waiter {
  /** Begin of the wait (`performance.now()`). */
  readonly since: number;
  readonly begin: () => void;
  readonly refuse: (reason: Error) => void;
}

/** Fair queue with a bounded number of waiters: round robin over the keys, first in, first out within a key. */
class FairQueue {
  /** In the order in which the keys are served. */
  private readonly waiters = new Map<string, Waiter[]>();
  size = 0;

  constructor(private readonly capacity: number) {}

  /**
   * Adds a waiter. In a full queue the key with the most waiters loses its latest one, unless the key of the new waiter would then
   * have as many.
   * @returns the waiter that is refused; undefined where there was room.
   */
  add(key: string, waiter: Waiter): Waiter | undefined {
    const own = this.waiters.get(key) ?? [];
    let refused: Waiter | undefined;
    if (this.size >= this.capacity) {
      const [longest = []] = [...this.waiters.values()].toSorted((a, b) => b.length - a.length);
      if (longest.length <= own.length + 1) return waiter;
      refused = longest.pop();
      this.size--;
    }
    own.push(waiter);
    this.waiters.set(key, own);
    this.size++;
    return refused;
  }

  next(): Waiter | undefined {
    const [first] = this.waiters;
    if (first === undefined) return undefined;
    const [key, own] = first;
    const waiter = own.shift();
    this.waiters.delete(key);
    if (own.length > 0) this.waiters.set(key, own);
    this.size--;
    return waiter;
  }
}

/**
 * Bulkhead: a bounded number of tasks run at once, and a bounded number wait. The queue is fair: round robin over the keys, and
 * in a full queue the key with the most waiters gives way. Reserved and other waiters alternate as well.
 */
export class Bulkhead {
  private readonly queues: readonly [reserved: FairQueue, others: FairQueue];
  private lastServed = 0;
  private running = 0;
  private finished = 0;

  constructor(
    private readonly limits: BulkheadLimits,
    private readonly name: string,
  ) {
    const { queue, reserved = queue } = limits;
    this.queues = [new FairQueue(reserved), new FairQueue(queue)];
  }

  get load(): BulkheadLoad {
    const [reserved, others] = this.queues;
    return { running: this.running, waiting: reserved.size + others.size, finished: this.finished };
  }

  /**
   * Runs the task at once, or after its wait in the queue.
   * @throws {Problem} `temporarily_unavailable` when the queue is full, or when the wait is longer than {@link MAX_QUEUE_WAIT_MS}.
   */
  async run<T>(task: () => Promise<T>, share: QueueShare = { key: '' }): Promise<T> {
    await this.admit(share);
    try {
      return await task();
    } finally {
      this.finished++;
      const next = this.next();
      if (next === undefined) this.running--;
      // The next task takes over the slot without releasing it, so that no new task can take it first.
      else next.begin();
    }
  }

  private admit({ key, reserved = false }: QueueShare): Promise<void> | undefined {
    if (this.running < this.limits.concurrency) {
      this.running++;
      return undefined;
    }
    return new Promise((begin, refuse) => {
      const waiter = { since: performance.now(), begin, refuse };
      const refused = this.queues[reserved ? 0 : 1].add(key, waiter);
      refused?.refuse(temporarilyUnavailable(`the queue for ${this.name} is full`, undefined));
    });
  }

  /** Returns the next waiter within {@link MAX_QUEUE_WAIT_MS}, and refuses those before it. */
  private next(): Waiter | undefined {
    for (let waiter = this.take(); waiter !== undefined; waiter = this.take()) {
      if (performance.now() - waiter.since <= MAX_QUEUE_WAIT_MS) return waiter;
      waiter.refuse(temporarilyUnavailable(`the wait for ${this.name} was too long`, undefined));
    }
    return undefined;
  }

  private take(): Waiter | undefined {
    const order = this.lastServed === 0 ? ([1, 0] as const) : ([0, 1] as const);
    for (const queue of order) {
      const waiter = this.queues[queue].next();
      if (waiter === undefined) continue;
      this.lastServed = queue;
      return waiter;
    }
    return undefined;
  }
}
