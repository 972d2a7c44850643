import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { z } from 'zod';
import { Metrics } from '../observability/metrics.js';
import { DerivedKeys } from '../crypto/derived-keys.js';
import { rowsOf } from '../database/rows.js';

/** Interval (ms) of polls for messages that other processes left, or whose pause is over. */
const POLL_MS = 15_000;
/** Lease (s) of a message: a process that has not finished by then loses it to another one. Handlers may need longer. */
const LEASE_S = 60;
/** Messages that are sealed anew in one step. */
const BATCH = 500;
/** Messages that a process handles at once. */
const CONCURRENCY = 24;
/** Backoff (s): pauses after a failure double from the first to the longest, unless the handler has its own. */
const FIRST_PAUSE_S = 15;
const LONGEST_PAUSE_S = 6 * 3_600;
/** A pause varies by this share, so that what failed together does not come back together. */
const JITTER = 0.2;
/** Time limit (ms) of a stopping process: once for messages that are due, once for those under way. */
const SHUTDOWN_MS = 5_000;

/** The purposes under which payloads are sealed; the second is that of messages from before the outbox. */
const [SEALED, SEALED_BEFORE] = ['outbox', 'errand'];
/** `/metrics` makes the database count at most once in this time (ms). */
const COUNT_INTERVAL_MS = 1_000;

/** The receiver will never take the message: it is dropped. The message says why, without personal data. */
export class Undeliverable extends Error {}

/** Delivers messages of a kind. Each handler of a kind gets a message of its own. */
export interface OutboxHandler<T> {
  /** Tells the handlers of one kind apart. */
  readonly name: string;
  readonly schema: z.ZodType<T>;
  /** The message's receiver, such as a provider: messages for different targets do not wait for one another. */
  readonly target?: (message: T) => string;
  /** Messages that a process delivers at once to one target (1). */
  readonly concurrency?: number;
  /** Longer (s) than a delivery may take. */
  readonly lease?: number;
  /** Pauses (s) after each failure; the last one repeats. */
  readonly pauses?: readonly number[];
  /** Seals what is in the payload under the newest secret. */
  readonly reseal?: (message: T) => Promise<T>;
  /** Delivers a message: at least once, so that it has to be idempotent. @throws {Undeliverable} to drop it. */
  readonly deliver: (message: T, id: string) => Promise<void>;
}

/** The time in which a message is delivered. */
export interface Schedule {
  /** Not before; now where it is left out. */
  readonly dueAt?: Date;
  /** Seconds after which it is of no use any more. */
  readonly lifetime?: number;
}

/** The part of a lane that names the handler. A process leaves messages of others' handlers alone. */
const HANDLER = "(split_part(lane, '/', 1) || '/' || split_part(lane, '/', 2))";

/** By kind. */
interface Counts {
  readonly pending: Readonly<Record<string, number>>;
  readonly ages: Readonly<Record<string, number>>;
}

interface Row {
  readonly id: string;
  readonly kind: string;
  readonly lane: string;
  readonly attempts: number;
  readonly expired: boolean;
  readonly payload: string;
}

/**
 * A transactional outbox: a message is written in the transaction that makes it necessary, and delivered by any process
 * once that is committed, again and again until it is. Each target has a lane, so that one that hangs delays no other.
 */
@Injectable()
export class Outbox implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(Outbox.name);
  /** By `kind/name`. */
  private readonly handlers = new Map<string, OutboxHandler<unknown>>();
  /** Messages under way, by lane. */
  private readonly lanes = new Map<string, number>();
  private readonly underWay = new Set<Promise<void>>();
  private timer: NodeJS.Timeout | undefined;
  private pumping: Promise<void> | undefined;
  private wanted = false;
  private stopped = false;
  private counts: Promise<Counts> | undefined;

  constructor(
    private readonly dataSource: DataSource,
    private readonly secrets: DerivedKeys,
    private readonly metrics: Metrics,
  ) {
    metrics.showEach('daemun_outbox_pending', 'Messages that are not delivered yet', 'kind', async () => {
      return (await this.count()).pending;
    });
    metrics.showEach(
      'daemun_outbox_oldest_seconds',
      'Age of the oldest message of a kind',
      'kind',
      async () => {
        return (await this.count()).ages;
      },
    );
  }

  /** Registers a handler, while the application starts. */
  handle<T>(kind: string, handler: OutboxHandler<T>): void {
    this.handlers.set(`${kind}/${handler.name}`, handler as OutboxHandler<unknown>);
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.wake(), POLL_MS).unref();
    this.wake();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await withinShutdown(this.run());
    this.stopped = true;
    await withinShutdown(Promise.all([this.pumping, ...this.underWay]));
  }

  /** Writes a message for each handler of a kind, in the caller's transaction; {@link wake} once that is committed. */
  async add(
    db: EntityManager,
    kind: string,
    message: unknown,
    { dueAt, lifetime }: Schedule = {},
  ): Promise<void> {
    for (const [key, { schema, target }] of this.handlers) {
      if (!key.startsWith(`${kind}/`)) continue;
      const payload = schema.parse(message);
      const lane = target === undefined ? key : `${key}/${target(payload)}`;
      await db.query(
        `INSERT INTO auth.outbox (kind, lane, payload_jwe, due_at, expires_at)
         VALUES ($1, $2, $3, coalesce($4, now()), now() + make_interval(secs => $5))`,
        [
          kind,
          lane,
          await this.secrets.seal(SEALED, JSON.stringify(payload)),
          dueAt ?? null,
          lifetime ?? null,
        ],
      );
    }
  }

  /** Delivers what is due, in the background. */
  wake(): void {
    this.wanted = true;
    this.pumping ??= this.pump()
      .catch((error: unknown) => this.logger.warn({ err: error }, 'the outbox cannot be read'))
      .finally(() => {
        this.pumping = undefined;
        // A call that came after the last look.
        if (this.wanted && !this.stopped) this.wake();
      });
  }

  /** Delivers what is due, and waits until nothing more is under way. */
  async run(): Promise<void> {
    do {
      this.wake();
      await this.pumping;
      await Promise.all(this.underWay);
    } while (this.pumping !== undefined || this.underWay.size > 0);
  }

  /** Seals payloads of an older secret anew, so that it can be left out one day. */
  async resealAll(): Promise<void> {
    let last = '0';
    for (;;) {
      const rows = await this.dataSource.query<Pick<Row, 'id' | 'lane' | 'payload'>[]>(
        `SELECT id, lane, payload_jwe AS payload FROM auth.outbox WHERE id > $1 ORDER BY id LIMIT ${BATCH}`,
        [last],
      );
      for (const row of rows) {
        await this.reseal(row).catch((error: unknown) =>
          this.logger.warn({ err: error, id: row.id }, 'a message could not be sealed anew'),
        );
      }
      last = rows.at(-1)?.id ?? last;
      if (rows.length < BATCH) return;
    }
  }

  private async reseal({ id, lane, payload }: Pick<Row, 'id' | 'lane' | 'payload'>): Promise<void> {
    if (this.secrets.isNewest(SEALED, payload)) return;
    const { handler, message } = await this.read(lane, payload);
    if (handler === undefined || message === undefined) return;
    const renewed = (await handler.reseal?.(message)) ?? message;
    const sealed = await this.secrets.seal(SEALED, JSON.stringify(renewed));
    await this.dataSource.query('UPDATE auth.outbox SET payload_jwe = $2 WHERE id = $1', [id, sealed]);
  }

  /** Takes one message after the other; each is delivered beside the next. */
  private async pump(): Promise<void> {
    while (this.wanted && !this.stopped) {
      this.wanted = false;
      for (let row = await this.take(); row !== undefined; row = await this.take()) this.begin(row);
    }
  }

  private begin(row: Row): void {
    const { lane } = row;
    this.lanes.set(lane, (this.lanes.get(lane) ?? 0) + 1);
    const delivery = this.deliver(row)
      .catch((error: unknown) => this.logger.warn({ err: error, id: row.id }, 'the outbox lost its database'))
      .finally(() => {
        const left = (this.lanes.get(lane) ?? 1) - 1;
        if (left > 0) this.lanes.set(lane, left);
        else this.lanes.delete(lane);
        this.underWay.delete(delivery);
        this.wake();
      });
    this.underWay.add(delivery);
  }

  /** The next message that is due in a lane with room, for this process alone. */
  private async take(): Promise<Row | undefined> {
    if (this.underWay.size >= CONCURRENCY || this.stopped) return undefined;
    const busy = [...this.lanes].flatMap(([lane, count]) =>
      count >= (this.handlerOf(lane)?.concurrency ?? 1) ? [lane] : [],
    );
    const leases = Object.fromEntries(
      [...this.handlers].map(([key, { lease = LEASE_S }]): [string, number] => [key, lease]),
    );
    const [row] = await rowsOf<Row>(
      this.dataSource,
      `UPDATE auth.outbox SET due_at = now() + make_interval(secs => ($1::jsonb ->> ${HANDLER})::float8)
       WHERE id = (
         SELECT id FROM auth.outbox WHERE due_at <= now() AND lane <> ALL($2) AND $1::jsonb ? ${HANDLER}
         ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
       )
       RETURNING id, kind, lane, attempts, coalesce(expires_at < now(), false) AS expired, payload_jwe AS payload`,
      [JSON.stringify(leases), busy],
    );
    return row;
  }

  private async deliver(row: Row): Promise<void> {
    const { id, kind, lane, attempts, expired, payload } = row;
    const outcome = (result: string) => this.metrics.outboxMessages.inc({ kind, outcome: result });
    try {
      if (expired) throw new Undeliverable('it was not delivered in time');
      const { handler, message } = await this.read(lane, payload);
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
      const pause = pauseAfter(attempts, this.handlerOf(lane)?.pauses);
      await this.dataSource.query(
        'UPDATE auth.outbox SET attempts = attempts + 1, due_at = now() + make_interval(secs => $2) WHERE id = $1',
        [id, pause],
      );
      outcome('deferred');
      this.logger.warn(
        { err: error, id, kind, attempts: attempts + 1, pause },
        'delivery of a message of the outbox is deferred',
      );
    }
  }

  private async remove(id: string): Promise<void> {
    await this.dataSource.query('DELETE FROM auth.outbox WHERE id = $1', [id]);
  }

  private handlerOf(lane: string): OutboxHandler<unknown> | undefined {
    return this.handlers.get(lane.split('/', 2).join('/'));
  }

  private async read(
    lane: string,
    payload: string,
  ): Promise<{ readonly handler?: OutboxHandler<unknown>; readonly message?: unknown }> {
    const handler = this.handlerOf(lane);
    const opened =
      (await this.secrets.open(SEALED, payload)) ?? (await this.secrets.open(SEALED_BEFORE, payload));
    if (handler === undefined || opened === undefined) return { handler };
    const { data, success } = handler.schema.safeParse(JSON.parse(opened));
    // Another version of Daemun, which runs beside this one during a deployment, may know it.
    if (!success) throw new Error('its payload is of another version');
    return { handler, message: data };
  }

  private count(): Promise<Counts> {
    if (this.counts === undefined) {
      this.counts = this.countNow().catch(() => ({ pending: {}, ages: {} }));
      setTimeout(() => (this.counts = undefined), COUNT_INTERVAL_MS).unref();
    }
    return this.counts;
  }

  private async countNow(): Promise<Counts> {
    const rows = await this.dataSource.query<{ kind: string; count: number; age: number }[]>(
      `SELECT kind, count(*)::int AS count, extract(epoch FROM now() - min(created_at))::float8 AS age
       FROM auth.outbox GROUP BY kind`,
    );
    return {
      pending: Object.fromEntries(rows.map(({ kind, count }) => [kind, count])),
      ages: Object.fromEntries(rows.map(({ kind, age }) => [kind, age])),
    };
  }
}

async function withinShutdown(work: Promise<unknown>): Promise<void> {
  await Promise.race([work, sleep(SHUTDOWN_MS, undefined, { ref: false })]);
}

function pauseAfter(attempts: number, pauses: readonly number[] | undefined): number {
  const pause =
    pauses?.[Math.min(attempts, pauses.length - 1)] ??
    Math.min(FIRST_PAUSE_S * 2 ** attempts, LONGEST_PAUSE_S);
  return pause * (1 + JITTER * Math.random());
}
