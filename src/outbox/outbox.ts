import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { z } from 'zod';
import { PendingWork } from '../concurrency/pending-work.js';
import { Periodic } from '../concurrency/periodic.js';
import { within } from '../concurrency/within.js';
import { DerivedKeys } from '../crypto/derived-keys.js';
import { rowsOf } from '../database/rows.js';
import { Metrics } from '../observability/metrics.js';

/** Interval of polls for messages of processes that ended, and for messages whose backoff is over. */
const POLL_MS = 15_000;
/** Default lease of a message: another process delivers it again where this one has not finished by then. */
const LEASE_S = 60;
/** Messages that are read at once to be sealed under the newest secret. */
const RESEAL_BATCH = 500;
/** Messages that a process delivers at once. */
const CONCURRENCY = 24;
/** Default backoff: the pauses after failures double from the first to the longest. */
const FIRST_PAUSE_S = 15;
const LONGEST_PAUSE_S = 6 * 3_600;
/** Share by which a pause is longer at random, so that messages that failed together are not retried together. */
const JITTER = 0.2;
/** Time limit at shutdown: once for messages that are due, and once for deliveries under way. */
const SHUTDOWN_MS = 5_000;

/** Purpose of the key that seals payloads. */
const SEALING_PURPOSE = 'outbox';
/** Shortest interval of the query behind the metrics. */
const COUNT_INTERVAL_MS = 1_000;

/** Thrown by a handler whose receiver will never accept the message: it is dropped. The text goes to the log, and has no personal data. */
export class Undeliverable extends Error {}

/** Handler of a kind of message. Each handler of a kind gets a message of its own. */
interface OutboxHandler<T> {
  /** Name of the handler, unique within its kind. */
  readonly name: string;
  readonly schema: z.ZodType<T>;
  /** Returns the receiver of a message, such as a provider. Each target has its own queue, so that a target that hangs does not delay the others. */
  readonly target?: (message: T) => string;
  /** Messages of one queue that a process delivers at once (1). */
  readonly concurrency?: number;
  /** Lease, longer than a delivery may take (60). */
  readonly leaseS?: number;
  /** Backoff: the pause after each failure; the last one repeats. */
  readonly backoffS?: readonly number[];
  /** Seals parts of the payload that are sealed themselves under the newest secret. */
  readonly reseal?: (message: T) => Promise<T>;
  /** Delivers a message. Called at least once per message, so it has to be idempotent. @throws {Undeliverable} to drop the message. */
  readonly deliver: (message: T, id: string) => Promise<void>;
}

/** Time span of the delivery of a message. */
interface Schedule {
  /** Earliest delivery (now). */
  readonly dueAt?: Date;
  /** Time after which the message is dropped (never). */
  readonly lifetimeS?: number;
}

/** The handler of a queue (`kind/handler` or `kind/handler/target`) in SQL. A process claims only messages that it has a handler for. */
const HANDLER = "(split_part(queue, '/', 1) || '/' || split_part(queue, '/', 2))";

/** Numbers for the metrics, by kind. */
interface Counts {
  readonly pending: Readonly<Record<string, number>>;
  readonly oldestS: Readonly<Record<string, number>>;
}

interface Row {
  readonly id: string;
  readonly kind: string;
  readonly queue: string;
  readonly attempts: number;
  readonly expired: boolean;
  readonly payload: string;
}

/**
 * Transactional outbox: a message is written in the transaction of the change that requires it. After the commit any process
 * claims it under a lease, and retries with backoff until it is delivered. Modules register the handlers.
 */
@Injectable()
export class Outbox implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(Outbox.name);
  /** By `kind/name`. */
  private readonly handlers = new Map<string, OutboxHandler<unknown>>();
  /** Numbers of deliveries under way, by queue. */
  private readonly active = new Map<string, number>();
  private readonly deliveries = new PendingWork(CONCURRENCY);
  private readonly claiming = new Periodic(() => this.claimAll(), {
    everyMs: POLL_MS,
    onFailure: (error) => this.logger.warn({ err: error }, 'the outbox cannot be read'),
  });
  private counts: Promise<Counts> | undefined;

  constructor(
    private readonly dataSource: DataSource,
    private readonly secrets: DerivedKeys,
    private readonly metrics: Metrics,
  ) {
    metrics.showEach(
      'daemun_outbox_pending',
      'Messages that are not delivered yet',
      'kind',
      async () => (await this.count()).pending,
    );
    metrics.showEach(
      'daemun_outbox_oldest_seconds',
      'Age of the oldest message of a kind',
      'kind',
      async () => (await this.count()).oldestS,
    );
  }

  /** Registers a handler of a kind. To be called before the application has started. */
  handle<T>(kind: string, handler: OutboxHandler<T>): void {
    this.handlers.set(`${kind}/${handler.name}`, handler as OutboxHandler<unknown>);
  }

  onApplicationBootstrap(): void {
    this.claiming.start();
    this.wake();
  }

  async onApplicationShutdown(): Promise<void> {
    await within(this.run(), SHUTDOWN_MS);
    await within(Promise.all([this.claiming.stop(), this.deliveries.drain()]), SHUTDOWN_MS);
  }

  /** Writes a message for each handler of a kind, in the caller's transaction; {@link wake} once that is committed. */
  async add(
    db: EntityManager,
    kind: string,
    message: unknown,
    { dueAt, lifetimeS }: Schedule = {},
  ): Promise<void> {
    for (const [key, { schema, target }] of this.handlers) {
      if (!key.startsWith(`${kind}/`)) continue;
      const payload = schema.parse(message);
      const queue = target === undefined ? key : `${key}/${target(payload)}`;
      await db.query(
        `INSERT INTO auth.outbox (kind, queue, payload_jwe, due_at, expires_at)
         VALUES ($1, $2, $3, coalesce($4, now()), now() + make_interval(secs => $5))`,
        [
          kind,
          queue,
          await this.secrets.seal(SEALING_PURPOSE, JSON.stringify(payload)),
          dueAt ?? null,
          lifetimeS ?? null,
        ],
      );
    }
  }

  /** Delivers messages that are due, in the background. */
  wake(): void {
    this.claiming.trigger();
  }

  /** Delivers messages that are due, and waits until no delivery is under way. */
  async run(): Promise<void> {
    do {
      this.wake();
      await this.claiming.idle();
      await this.deliveries.drain();
    } while (this.claiming.isRunning || this.deliveries.size > 0);
  }

  /** Seals payloads under the newest secret, so that an older one can be removed from `AUTH_SECRET`. */
  async resealAll(): Promise<void> {
    let last = '0';
    for (;;) {
      const rows = await this.dataSource.query<Pick<Row, 'id' | 'queue' | 'payload'>[]>(
        `SELECT id, queue, payload_jwe AS payload FROM auth.outbox WHERE id > $1 ORDER BY id LIMIT ${RESEAL_BATCH}`,
        [last],
      );
      for (const row of rows) {
        await this.reseal(row).catch((error: unknown) =>
          this.logger.warn(
            { err: error, id: row.id },
            'a message of the outbox could not be sealed under the newest secret',
          ),
        );
      }
      last = rows.at(-1)?.id ?? last;
      if (rows.length < RESEAL_BATCH) return;
    }
  }

  private async reseal({ id, queue, payload }: Pick<Row, 'id' | 'queue' | 'payload'>): Promise<void> {
    if (this.secrets.isNewest(SEALING_PURPOSE, payload)) return;
    const { handler, message } = await this.read(queue, payload);
    if (handler === undefined || message === undefined) return;
    const renewed = (await handler.reseal?.(message)) ?? message;
    const sealed = await this.secrets.seal(SEALING_PURPOSE, JSON.stringify(renewed));
    await this.dataSource.query('UPDATE auth.outbox SET payload_jwe = $2 WHERE id = $1', [id, sealed]);
  }

  /** Claims one message after another, and begins its delivery. The end of each delivery wakes the outbox again. */
  private async claimAll(): Promise<void> {
    for (let row = await this.claimNext(); row !== undefined; row = await this.claimNext()) this.begin(row);
  }

  private begin(row: Row): void {
    const { id, queue } = row;
    this.active.set(queue, (this.active.get(queue) ?? 0) + 1);
    const delivery = this.deliveries.add(async () => {
      try {
        await this.deliver(row);
      } catch (error) {
        this.logger.warn({ err: error, id }, 'the outcome of a delivery could not be written to the outbox');
      }
      const active = (this.active.get(queue) ?? 1) - 1;
      if (active > 0) this.active.set(queue, active);
      else this.active.delete(queue);
    });
    void delivery?.then(() => this.wake());
  }

  /** Claims the oldest message that is due in a queue below its concurrency: no other process delivers it until the lease ends. */
  private async claimNext(): Promise<Row | undefined> {
    if (this.deliveries.isFull || this.claiming.isStopped) return undefined;
    const full = [...this.active].flatMap(([queue, count]) =>
      count >= (this.handlerOf(queue)?.concurrency ?? 1) ? [queue] : [],
    );
    const leases = Object.fromEntries(
      [...this.handlers].map(([key, { leaseS = LEASE_S }]): [string, number] => [key, leaseS]),
    );
    const [row] = await rowsOf<Row>(
      this.dataSource,
      `UPDATE auth.outbox SET due_at = now() + make_interval(secs => ($1::jsonb ->> ${HANDLER})::float8)
       WHERE id = (
         SELECT id FROM auth.outbox WHERE due_at <= now() AND queue <> ALL($2) AND $1::jsonb ? ${HANDLER}
         ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
       )
       RETURNING id, kind, queue, attempts, coalesce(expires_at < now(), false) AS expired, payload_jwe AS payload`,
      [JSON.stringify(leases), full],
    );
    return row;
  }

  private async deliver(row: Row): Promise<void> {
    const { id, kind, queue, attempts, expired, payload } = row;
    const outcome = (result: string) => this.metrics.outboxMessages.inc({ kind, outcome: result });
    try {
      if (expired) throw new Undeliverable('its lifetime is over');
      const { handler, message } = await this.read(queue, payload);
      if (handler === undefined) throw new Error('this process has no handler for it');
      if (message === undefined) throw new Error('its secret is not among those in AUTH_SECRET');
      await handler.deliver(message, id);
      await this.remove(id);
      outcome('delivered');
    } catch (error) {
      if (error instanceof Undeliverable) {
        await this.remove(id);
        outcome('dropped');
        this.logger.error(
          { id, kind, attempts, reason: error.message },
          'a message of the outbox was dropped',
        );
        return;
      }
      const pauseS = pauseAfter(attempts, this.handlerOf(queue)?.backoffS);
      await this.dataSource.query(
        'UPDATE auth.outbox SET attempts = attempts + 1, due_at = now() + make_interval(secs => $2) WHERE id = $1',
        [id, pauseS],
      );
      outcome('deferred');
      this.logger.warn(
        { err: error, id, kind, attempts: attempts + 1, pauseS },
        'the delivery of a message of the outbox is deferred',
      );
    }
  }

  private async remove(id: string): Promise<void> {
    await this.dataSource.query('DELETE FROM auth.outbox WHERE id = $1', [id]);
  }

  private handlerOf(queue: string): OutboxHandler<unknown> | undefined {
    return this.handlers.get(queue.split('/', 2).join('/'));
  }

  private async read(
    queue: string,
    payload: string,
  ): Promise<{ readonly handler?: OutboxHandler<unknown>; readonly message?: unknown }> {
    const handler = this.handlerOf(queue);
    const opened = await this.secrets.open(SEALING_PURPOSE, payload);
    if (handler === undefined || opened === undefined) return { handler };
    const { data, success } = handler.schema.safeParse(JSON.parse(opened));
    // During a deployment a process of another version may deliver it.
    if (!success) throw new Error('its payload is of another version');
    return { handler, message: data };
  }

  private count(): Promise<Counts> {
    if (this.counts === undefined) {
      this.counts = this.countNow().catch(() => ({ pending: {}, oldestS: {} }));
      setTimeout(() => (this.counts = undefined), COUNT_INTERVAL_MS).unref();
    }
    return this.counts;
  }

  private async countNow(): Promise<Counts> {
    const rows = await this.dataSource.query<{ kind: string; count: number; ageS: number }[]>(
      `SELECT kind, count(*)::int AS count, extract(epoch FROM now() - min(created_at))::float8 AS "ageS"
       FROM auth.outbox GROUP BY kind`,
    );
    return {
      pending: Object.fromEntries(rows.map(({ kind, count }) => [kind, count])),
      oldestS: Object.fromEntries(rows.map(({ kind, ageS }) => [kind, ageS])),
    };
  }
}

function pauseAfter(attempts: number, backoffS: readonly number[] | undefined): number {
  const pauseS =
    backoffS?.[Math.min(attempts, backoffS.length - 1)] ??
    Math.min(FIRST_PAUSE_S * 2 ** attempts, LONGEST_PAUSE_S);
  return pauseS * (1 + JITTER * Math.random());
}
