import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Elapsed } from '../concurrency/elapsed.js';
import type { Secret } from '../config/secret.js';
import { redisFailureOf } from '../stores/redis-failures.js';
import type { StoreFailure } from '../stores/store-failure.js';
import { StoreClock } from '../concurrency/store-clock.js';
import { inTime, openConnection, type Connection } from './connection.js';

/** Redis cannot be used just now. Everybody who meets this goes on without it. */
export class RedisUnavailable extends Error {
  constructor(cause?: unknown) {
    super('Redis is away', { cause });
    this.name = 'RedisAway';
  }
}

/** A Lua script that touches one key, so that it runs on a cluster as well. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}
/** Names a script by its hash, as `EVALSHA` wants it. */
export function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

/**
 * Every command that our scripts call, on a key of its own: a missing right shows when the connection is made, and not at
 * somebody's refresh. The first one needs memory, since Redis does not check that any more after the first write of a script.
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

/** Makes sure that what Redis remembers may be believed. `anew`: it may have lost writes of any age since it was last here. */
type OnReturn = (run: Run, anew: boolean) => Promise<void>;

const HEARTBEAT = 1_000;
/** A connection that has been silent for longer (ms) than a heartbeat and its answer take may lead to nowhere, or to a server of before. */
const SILENT_MS = 2 * HEARTBEAT;
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 1_000;
/** Between attempts (ms) while only an operator can help. */
const PERMANENT_PAUSE_MS = 5_000;
/** Interval (ms) at which the log repeats a failure that only an operator can end. */
const REMINDER_MS = 60_000;
/** How much later (ms) than we another process may notice that Redis went away or is back: patience and pause, twice. */
const SETTLE = 5_000;

/**
 * The way to Redis: there as a whole, or away as a whole. Commands fail at once while it is away, and nothing waits in a
 * queue. One that fails or takes too long ends the connection, and a new one is looked for, with growing pauses; it is
 * used only after everyone in `onReturn` has made sure that what Redis remembers may be believed.
 */
@Injectable()
export class Redis implements OnApplicationShutdown {
  private readonly logger = new Logger(Redis.name);
  private connection: Connection | undefined;
  private changedAt = performance.now();
  private closed = false;
  private pause = FIRST_PAUSE;
  private trying = false;
  private attempt: Promise<void> | undefined;
  private readonly sinceAnswer = new Elapsed();
  private heart: NodeJS.Timeout | undefined;
  /** Of the writes that Redis had when it was last here. */
  private history: string | undefined;
  private readonly clock = new StoreClock();
  /** Why Redis is not in use. */
  private lastFailure: StoreFailure | undefined;
  private remindedAt = -Infinity;
  private readonly returns: OnReturn[] = [];
  private readonly listeners = new Map<string, (message: string) => void>();

  /** Without URLs Redis is not configured: never {@link up}, and every command throws {@link RedisUnavailable}. */
  constructor(private readonly urls: readonly Secret[]) {}

  get isConfigured(): boolean {
    return this.urls.length > 0;
  }

  /** Tries once to connect, and goes on trying in the background. Called when everyone has subscribed. */
  async start(): Promise<void> {
    if (!this.isConfigured) return;
    await this.connect().catch((error: unknown) => {
      this.logUnavailable(error, true);
      void this.keepTrying();
    });
  }

  /** Why Redis is not in use, as in `docs/store-failures.md`; undefined while it is, and where it is not configured. */
  get failure(): string | undefined {
    return this.up || !this.isConfigured ? undefined : (this.lastFailure?.reason ?? 'connecting');
  }

  /** Whether it can be used now. */
  get up(): boolean {
    return this.connection !== undefined;
  }

  /**
   * Milliseconds since the time is over in which some processes may have used Redis while others did not; negative before.
   * What refresh.md calls the doubt.
   */
  uncertaintyAge(): number {
    return Math.round(performance.now() - this.changedAt - SETTLE);
  }

  /** What Redis' clock will show at some moment of `performance.now()`. */
  timeAt(moment: number): number | undefined {
    return this.clock.at(moment);
  }

  /** `check` runs whenever Redis is back, before anything else uses it; if it fails, Redis stays away. */
  onReconnect(check: OnReturn): void {
    this.returns.push(check);
  }

  /** Messages are heard while Redis is up; what was missed meanwhile has to be asked for elsewhere. */
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
   * Makes sure that the connection leads to the Redis of this moment, by a new one where there is none or it has been silent.
   * @throws {RedisUnavailable}
   */
  async reconnect(): Promise<void> {
    const { connection } = this;
    if (connection !== undefined && this.sinceAnswer.ms <= SILENT_MS) return;
    if (connection !== undefined) this.lose(connection, new Error(`no answer within ${SILENT_MS} ms`));
    await this.connect().catch((error: unknown) => {
      throw new RedisUnavailable(error);
    });
    if (!this.up) throw new RedisUnavailable();
  }

  onApplicationShutdown(): void {
    this.closed = true;
    clearInterval(this.heart);
    this.connection?.destroy();
    this.connection = undefined;
  }

  private async use<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const { connection } = this;
    if (connection === undefined) throw new RedisUnavailable();
    try {
      const answer = await inTime(work(connection));
      this.sinceAnswer.restart();
      return answer;
    } catch (error) {
      this.lose(connection, error);
      throw new RedisUnavailable(error);
    }
  }

  private lose(connection: Connection, error: unknown): void {
    connection.destroy();
    if (this.connection !== connection) return;
    this.connection = undefined;
    // One that never held for long is not worth hurrying back to.
    this.pause = this.uncertaintyAge() > 0 ? FIRST_PAUSE : Math.min(2 * this.pause, LONGEST_PAUSE);
    this.changedAt = performance.now();
    clearInterval(this.heart);
    if (this.closed) return;
    this.logUnavailable(error, true);
    void this.keepTrying();
  }

  /** Logs the first failure of an outage, and a permanent one again and again, with what an operator has to do. */
  private logUnavailable(error: unknown, first: boolean): void {
    const failure = redisFailureOf(error);
    const { reason, remedy, transient } = failure;
    const again = !transient && performance.now() - this.remindedAt > REMINDER_MS;
    const news = reason !== this.lastFailure?.reason && !transient;
    this.lastFailure = failure;
    if (!first && !again && !news) return this.logger.debug({ reason }, 'Redis is still away');
    if (!transient) this.remindedAt = performance.now();
    const line = { reason, remedy, message: (error as Error).message };
    this.logger[transient ? 'warn' : 'error'](line, 'Redis is away: going on without it');
  }

  private async keepTrying(): Promise<void> {
    if (this.trying) return;
    this.trying = true;
    while (!this.closed && !this.up) {
      // Spread, so that many processes do not come back in step.
      await sleep(this.pause * (0.5 + Math.random() / 2), undefined, { ref: false });
      try {
        await this.connect();
      } catch (error) {
        this.logUnavailable(error, false);
        this.pause = Math.min(2 * this.pause, LONGEST_PAUSE);
        if (this.lastFailure?.transient === false) await sleep(PERMANENT_PAUSE_MS, undefined, { ref: false });
      }
    }
    this.trying = false;
  }

  /** Opens a connection unless there is one; whoever asks meanwhile waits for the same attempt. */
  private connect(): Promise<void> {
    if (this.up || this.closed) return Promise.resolve();
    this.attempt ??= this.open().finally(() => (this.attempt = undefined));
    return this.attempt;
  }

  private async open(): Promise<void> {
    // The client also tells of errors while it is still connecting.
    const state: { lost?: unknown; connection?: Connection } = {};
    const connection = await openConnection(this.urls, (error) => {
      state.lost = error;
      if (state.connection !== undefined) this.lose(state.connection, error);
    });
    state.connection = connection;
    try {
      const { history, time } = await inTime(connection.ping());
      this.clock.synchronize(time);
      for (const [channel, listener] of this.listeners) await inTime(connection.subscribe(channel, listener));
      const run: Run = (script, key, args) => inTime(evaluate(connection, script, key, args));
      // A server that is full, or a replica, answers pings and takes nothing; and one of a cluster's is enough to stay away.
      await Promise.all(connection.aKeyOnEach('daemun:probe').map((key) => run(PROBE, key, [])));
      await inTime(connection.publish(PROBE_CHANNEL, ''));
      for (const check of this.returns) await check(run, history !== this.history);
      if (state.lost !== undefined) throw state.lost;
      this.history = history;
    } catch (error) {
      connection.destroy();
      throw error;
    }
    if (this.closed) return connection.destroy();
    this.connection = connection;
    this.changedAt = performance.now();
    this.sinceAnswer.restart();
    this.heart = setInterval(() => void this.use(this.beat).catch(() => {}), HEARTBEAT).unref();
    this.logger.log('Redis is here');
  }

  /** A server that took another's place under the same address and connection is a loss and a return like any other. */
  private readonly beat = async (connection: Connection): Promise<void> => {
    const { history, time } = await connection.ping();
    if (history !== this.history) throw new Error('Redis goes on from another state');
    this.clock.synchronize(time);
  };
}

/** By its hash, and with its text where the server has not seen it yet. */
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
