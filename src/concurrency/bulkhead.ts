import { temporarilyUnavailable } from '../problems/problem.js';

/** How busy a {@link Bulkhead} is. */
export interface BulkheadLoad {
  readonly running: number;
  readonly waiting: number;
  /** Since the start, whether well or not. */
  readonly finished: number;
}

/** On whose behalf a task runs. Tasks of one `key` share one share of the queue. */
export interface QueueShare {
  readonly key: string;
  /** Waits in the reserved places, which other tasks cannot fill. */
  readonly reserved?: boolean;
}

/** Numbers of tasks that run, wait, and have finished. */
export interface BulkheadLimits {
  readonly concurrency: number;
  readonly queue: number;
  /** Places besides `waiting`, for parties that are `reserved`; by default as many. */
  readonly reserved?: number;
}

/**
 * The longest wait (ms) before a task. It leaves a second of `REQUEST_BUDGET_MS` for the task itself: one that runs after
 * its request was answered 503 costs as much, and what it writes the client writes again.
 */
export const MAX_QUEUE_WAIT_MS = 3_000;

interface Waiter {
  /** When the wait began, in the time of `performance.now`. */
  readonly since: number;
  readonly begin: () => void;
  readonly refuse: (reason: Error) => void;
}

/** A queue with a bounded number of places, served key by key (round robin) and in order within a key. */
class FairQueue {
  /** In the order in which the keys are served. */
  private readonly waiters = new Map<string, Waiter[]>();
  size = 0;

  constructor(private readonly capacity: number) {}

  /**
   * Adds a place. In a full queue the key with the most places loses its latest one, where it has more than the newcomer
   * would have.
   * @returns the place that is refused; undefined where there was room.
   */
  add(key: string, place: Waiter): Waiter | undefined {
    const own = this.waiters.get(key) ?? [];
    let refused: Waiter | undefined;
    if (this.size >= this.capacity) {
      const [longest = []] = [...this.waiters.values()].toSorted((a, b) => b.length - a.length);
      if (longest.length <= own.length + 1) return place;
      refused = longest.pop();
      this.size--;
    }
    own.push(place);
    this.waiters.set(key, own);
    this.size++;
    return refused;
  }

  next(): Waiter | undefined {
    const [first] = this.waiters;
    if (first === undefined) return undefined;
    const [key, own] = first;
    const place = own.shift();
    this.waiters.delete(key);
    if (own.length > 0) this.waiters.set(key, own);
    this.size--;
    return place;
  }
}

/**
 * A bulkhead: a bounded number of tasks run at once, and a bounded number wait. Waiting tasks are served fairly: the keys
 * take turns, and no key keeps another one out of a full queue while it has more places itself. Reserved and other places
 * take turns as well.
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
   * Runs the task when its turn comes.
   * @throws {Problem} `temporarily_unavailable` when too many are waiting, or when its turn comes after {@link MAX_QUEUE_WAIT_MS}.
   */
  async run<T>(task: () => Promise<T>, party: QueueShare = { key: '' }): Promise<T> {
    await this.admit(party);
    try {
      return await task();
    } finally {
      this.finished++;
      const next = this.next();
      if (next === undefined) this.running--;
      // The next task takes over this very place, so that no newcomer slips in between.
      else next.begin();
    }
  }

  private admit({ key, reserved = false }: QueueShare): Promise<void> | undefined {
    if (this.running < this.limits.concurrency) {
      this.running++;
      return undefined;
    }
    return new Promise((begin, refuse) => {
      const place = { since: performance.now(), begin, refuse };
      const refused = this.queues[reserved ? 0 : 1].add(key, place);
      refused?.refuse(temporarilyUnavailable(`too many are waiting for ${this.name}`, undefined));
    });
  }

  /** The next place whose wait was not too long; refuses the others before it. */
  private next(): Waiter | undefined {
    for (let place = this.take(); place !== undefined; place = this.take()) {
      if (performance.now() - place.since <= MAX_QUEUE_WAIT_MS) return place;
      place.refuse(temporarilyUnavailable(`the wait for ${this.name} was too long`, undefined));
    }
    return undefined;
  }

  private take(): Waiter | undefined {
    const order = this.lastServed === 0 ? ([1, 0] as const) : ([0, 1] as const);
    for (const queue of order) {
      const place = this.queues[queue].next();
      if (place === undefined) continue;
      this.lastServed = queue;
      return place;
    }
    return undefined;
  }
}
