import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Elapsed } from '../concurrency/elapsed.js';
import type { Secret } from '../config/secret.js';
import { redisFailureOf } from '../stores/redis-failures.js';
import type { StoreFailure } from '../stores/store-failure.js';
import { StoreClock } from '../concurrency/store-clock.js';
import { withTimeout, openConnection, type Connection } from './connection.js';

/** Thrown by commands while Redis is unavailable. Each caller goes on without Redis. */
export class RedisUnavailable extends Error {
  constructor(cause?: unknown) {
    super('Redis is unavailable', { cause });
    this.name = 'RedisUnavailable';
  }
}

/** Lua script on a single key, so that it runs on a cluster as well. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

/** Creates a script with the hash that `EVALSHA` needs. */
export function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

/**
 * Probe of every command that the scripts call, so that a missing right shows at the connection and not at a refresh. The first
 * command needs memory, because Redis checks that only before the first write of a script.
 */
const PROBE = script(`
local commands = {
  {'SET', KEYS[1], '1', 'PX', 1000}, {'GET', KEYS[1]}, {'INCRBY', KEYS[1], 1}, {'EXPIRE', KEYS[1], 1}, {'PTTL', KEYS[1]},
  {'DEL', KEYS[1]}, {'HSET', KEYS[1], 'a', 1}, {'HMGET', KEYS[1], 'a'}, {'PEXPIRE', KEYS[1], 1000}, {'TIME'}
}
for _, command in ipairs(commands) do
  local reply = redis.pcall(unpack(command))
  if type(reply) == 'table' and reply.err then return redis.error_reply(reply.err .. " '" .. command[1] .. "'") end
end
return 1
`);
const PROBE_CHANNEL = 'daemun:probe';

/** Runs a script on a key. */
export type Run = (script: Script, key: string, args: readonly (string | number)[]) => Promise<unknown>;

/** Callback before Redis is used again, which invalidates stale entries. `anew`: Redis may have lost writes of any age. */
type OnReconnect = (run: Run, anew: boolean) => Promise<void>;

const HEARTBEAT_MS = 1_000;
/** Longest silence of a connection: a heartbeat and its reply. After a longer one the connection may lead to no server, or to a former one. */
const SILENT_MS = 2 * HEARTBEAT_MS;
/** Backoff between attempts to connect. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;
/** Additional pause after a failure that only an operator can end. */
const PERMANENT_PAUSE_MS = 5_000;
/** Interval at which the log repeats a failure that only an operator can end. */
const REMINDER_MS = 60_000;
/** Delay after which all processes have noticed an outage of Redis or its end: twice a timeout and a pause, rounded up. */
const SETTLE_MS = 5_000;

/**
 * Client of Redis, with a circuit breaker: Redis is either up or unavailable for the whole process. While it is unavailable,
 * commands fail at once and are not queued. A command that fails or times out closes the connection. A new one is opened with
 * backoff, and used after each callback of {@link onReconnect} has succeeded.
 */
@Injectable()
export class Redis implements OnApplicationShutdown {
  private readonly logger = new Logger(Redis.name);
  private connection: Connection | undefined;
  private changedAt = performance.now();
  private closed = false;
  private pauseMs = FIRST_PAUSE_MS;
  private reconnecting = false;
  private attempt: Promise<void> | undefined;
  private readonly sinceReply = new Elapsed();
  private heartbeat: NodeJS.Timeout | undefined;
  /** Replication ids of the last connection. */
  private history: string | undefined;
  private readonly clock = new StoreClock();
  /** Failure that keeps Redis unavailable. */
  private lastFailure: StoreFailure | undefined;
  private remindedAt = -Infinity;
  private readonly reconnectCallbacks: OnReconnect[] = [];
  private readonly listeners = new Map<string, (message: string) => void>();

  /** Without URLs Redis is not configured: never {@link up}, and every command throws {@link RedisUnavailable}. */
  constructor(private readonly urls: readonly Secret[]) {}

  get isConfigured(): boolean {
    return this.urls.length > 0;
  }

  /** Connects; after a failure, in the background. To be called after {@link onReconnect} and {@link onMessage}. */
  async start(): Promise<void> {
    if (!this.isConfigured) return;
    await this.connect().catch((error: unknown) => {
      this.logUnavailable(error, true);
      void this.reconnectWithBackoff();
    });
  }

  /** Reason why Redis is unavailable, as in `docs/store-failures.md`; undefined while it is up, and where it is not configured. */
  get failure(): string | undefined {
    return this.up || !this.isConfigured ? undefined : (this.lastFailure?.reason ?? 'connecting');
  }

  /** True while commands can be sent. */
  get up(): boolean {
    return this.connection !== undefined;
  }

  /**
   * Age (ms) of the end of the last uncertainty interval, in which some processes may have used Redis while others did not;
   * negative during the interval (docs/refresh.md).
   */
  uncertaintyAge(): number {
    return Math.round(performance.now() - this.changedAt - SETTLE_MS);
  }

  /** Returns the time of Redis' clock at a moment of `performance.now()`. */
  timeAt(moment: number): number | undefined {
    return this.clock.at(moment);
  }

  /** Registers a callback that runs after each connection, before it is used. Where it rejects, Redis stays unavailable. */
  onReconnect(callback: OnReconnect): void {
    this.reconnectCallbacks.push(callback);
  }

  /** Subscribes to a channel. Messages that are sent while Redis is unavailable are lost. */
  onMessage(channel: string, listener: (message: string) => void): void {
    this.listeners.set(channel, listener);
  }

  /** @throws {RedisUnavailable} */
  async publish(channel: string, message: string): Promise<void> {
    await this.use((connection) => connection.publish(channel, message));
  }

  /** Runs a script on a key. @throws {RedisUnavailable} */
  readonly run: Run = (script, key, args) =>
    this.use((connection) => evaluate(connection, script, key, args));

  /**
   * Opens a new connection where there is none, or where it has been silent for longer than {@link SILENT_MS}.
   * @throws {RedisUnavailable}
   */
  async reconnect(): Promise<void> {
    const { connection } = this;
    if (connection !== undefined && this.sinceReply.ms <= SILENT_MS) return;
    if (connection !== undefined) this.lose(connection, new Error(`no answer within ${SILENT_MS} ms`));
    await this.connect().catch((error: unknown) => {
      throw new RedisUnavailable(error);
    });
    if (!this.up) throw new RedisUnavailable();
  }

  onApplicationShutdown(): void {
    this.closed = true;
    clearInterval(this.heartbeat);
    this.connection?.destroy();
    this.connection = undefined;
  }

  private async use<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const { connection } = this;
    if (connection === undefined) throw new RedisUnavailable();
    try {
      const result = await withTimeout(work(connection));
      this.sinceReply.restart();
      return result;
    } catch (error) {
      this.lose(connection, error);
      throw new RedisUnavailable(error);
    }
  }

  private lose(connection: Connection, error: unknown): void {
    connection.destroy();
    if (this.connection !== connection) return;
    this.connection = undefined;
    // The backoff continues where the connection was lost soon after it was opened.
    this.pauseMs = this.uncertaintyAge() > 0 ? FIRST_PAUSE_MS : Math.min(2 * this.pauseMs, LONGEST_PAUSE_MS);
    this.changedAt = performance.now();
    clearInterval(this.heartbeat);
    if (this.closed) return;
    this.logUnavailable(error, true);
    void this.reconnectWithBackoff();
  }

  /** Logs the first failure of an outage. A permanent one is logged each {@link REMINDER_MS}, with the remedy for the operator. */
  private logUnavailable(error: unknown, first: boolean): void {
    const failure = redisFailureOf(error);
    const { reason, remedy, transient } = failure;
    const isReminder = !transient && performance.now() - this.remindedAt > REMINDER_MS;
    const isNew = !transient && reason !== this.lastFailure?.reason;
    this.lastFailure = failure;
    if (!first && !isReminder && !isNew) return this.logger.debug({ reason }, 'Redis is still unavailable');
    if (!transient) this.remindedAt = performance.now();
    const line = { reason, remedy, message: (error as Error).message };
    this.logger[transient ? 'warn' : 'error'](line, 'Redis is unavailable: going on without it');
  }

  private async reconnectWithBackoff(): Promise<void> {
    if (this.reconnecting) return;
    this.reconnecting = true;
    while (!this.closed && !this.up) {
      // Jitter, so that many processes do not reconnect in step.
      await sleep(this.pauseMs * (0.5 + Math.random() / 2), undefined, { ref: false });
      try {
        await this.connect();
      } catch (error) {
        this.logUnavailable(error, false);
        this.pauseMs = Math.min(2 * this.pauseMs, LONGEST_PAUSE_MS);
        if (this.lastFailure?.transient === false) await sleep(PERMANENT_PAUSE_MS, undefined, { ref: false });
      }
    }
    this.reconnecting = false;
  }

  /** Opens a connection unless there is one. Calls during an attempt share it. */
  private connect(): Promise<void> {
    if (this.up || this.closed) return Promise.resolve();
    this.attempt ??= this.open().finally(() => (this.attempt = undefined));
    return this.attempt;
  }

  private async open(): Promise<void> {
    // The client also reports errors while it connects.
    const state: { lost?: unknown; connection?: Connection } = {};
    const connection = await openConnection(this.urls, (error) => {
      state.lost = error;
      if (state.connection !== undefined) this.lose(state.connection, error);
    });
    state.connection = connection;
    try {
      const { history, time } = await withTimeout(connection.ping());
      this.clock.synchronize(time);
      for (const [channel, listener] of this.listeners)
        await withTimeout(connection.subscribe(channel, listener));
      const run: Run = (script, key, args) => withTimeout(evaluate(connection, script, key, args));
      // A full server, or a replica, replies to pings and refuses writes. One such node of a cluster makes Redis unavailable.
      await Promise.all(connection.keyOnEach('daemun:probe').map((key) => run(PROBE, key, [])));
      await withTimeout(connection.publish(PROBE_CHANNEL, ''));
      for (const callback of this.reconnectCallbacks) await callback(run, history !== this.history);
      if (state.lost !== undefined) throw state.lost;
      this.history = history;
    } catch (error) {
      connection.destroy();
      throw error;
    }
    if (this.closed) return connection.destroy();
    this.connection = connection;
    this.changedAt = performance.now();
    this.sinceReply.restart();
    this.heartbeat = setInterval(() => void this.use(this.beat).catch(() => {}), HEARTBEAT_MS).unref();
    this.logger.log('Redis is up');
  }

  /** Heartbeat. A fail-over behind the same address and connection counts as a lost connection. */
  private readonly beat = async (connection: Connection): Promise<void> => {
    const { history, time } = await connection.ping();
    if (history !== this.history) throw new Error('Redis goes on from another state');
    this.clock.synchronize(time);
  };
}

/** Runs a script by its hash, and by its text where the server has not cached it. */
async function evaluate(
  connection: Connection,
  { text, sha }: Script,
  key: string,
  args: readonly (string | number)[],
): Promise<unknown> {
  const rest = ['1', key, ...args.map(String)];
  try {
    return await connection.send(key, ['EVALSHA', sha, ...rest]);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return connection.send(key, ['EVAL', text, ...rest]);
  }
}
