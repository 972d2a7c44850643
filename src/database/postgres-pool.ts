import { Logger } from '@nestjs/common';
import pg from 'pg';
import type { DataSource } from 'typeorm';
import { RepeatedLines } from '../logging/repeated-lines.js';
import { ConnectFailed, postgresFailureOf } from '../stores/postgres-failures.js';
import type { StoreFailure } from '../stores/store-failure.js';
import { repeating } from './repeating.js';
import { prepareSession, readOnlyServer, type ServerSession } from './server-session.js';

/** Interval of the log line that sums up repeated failures. */
const LOG_INTERVAL_MS = 60_000;

/** Statements that EXPLAIN accepts. It checks names and privileges without running them. */
export const EXPLAINABLE = /^\s*(?:EXPLAIN\s+)?(?=(?:SELECT|INSERT|UPDATE|DELETE|WITH)\b)/i;

/** Options of {@link PostgresPool} besides those of `pg.Pool`. */
interface PostgresPoolOptions extends pg.PoolConfig {
  /** True for the database inside this process, whose connections share one session and need no settings. */
  readonly embedded?: boolean;
}

/**
 * `pg.Pool` that applies the table of PostgreSQL's failures (postgres-failures.ts): it closes connections that an error makes
 * unusable. After a fail-over it closes all of them, because they lead to the former primary.
 */
export class PostgresPool extends pg.Pool {
  /** Session of the newest connection; undefined for the embedded database. */
  session: ServerSession | undefined;
  /** True after an undetected pooler lost a prepared statement. */
  losesStatements = false;
  /** Last failure that makes the process unready; `at` is `performance.now()`. */
  recentFailure: { readonly failure: StoreFailure; readonly at: number } | undefined;
  /** Last failure that makes the process unready and leaves the connection usable; `at` is `performance.now()`. */
  lastFailure: { readonly failure: StoreFailure; readonly at: number } | undefined;
  /** Statement of the last permanent failure, if it is {@link EXPLAINABLE}. */
  refusedStatement: string | undefined;
  private readonly logger = new Logger(PostgresPool.name);
  private generation = 0;
  /** Generation in which a connection was opened. A connection without generation is not used again. */
  private readonly generations = new WeakMap<object, number>();
  private readonly lines = new RepeatedLines(LOG_INTERVAL_MS);

  /** {@link PostgresPoolOptions.embedded}. */
  readonly embedded: boolean;

  constructor(options: PostgresPoolOptions) {
    super({ ...options, Client: ObservedClient });
    this.embedded = options.embedded ?? false;
    Object.assign(this.options, { onConnect: (client: pg.PoolClient) => this.open(client, options) });
  }

  /** True if statements may be prepared by name. A pooler may change the server connection between statements. */
  get namedStatements(): boolean {
    return this.session?.direct === true && !this.losesStatements;
  }

  override connect(): Promise<pg.PoolClient>;
  override connect(
    callback: (
      error: Error | undefined,
      client: pg.PoolClient | undefined,
      done: (release?: boolean | Error) => void,
    ) => void,
  ): void;
  override connect(callback?: (...parameters: never[]) => void): Promise<pg.PoolClient> | void {
    const checkedOut = this.checkOut();
    if (callback === undefined) return checkedOut;
    const call = callback as (error?: unknown, client?: pg.PoolClient, done?: unknown) => void;
    checkedOut.then(
      (client) => call(undefined, client, (error?: Error) => client.release(error)),
      (error: unknown) => call(error, undefined, () => {}),
    );
  }

  /** Looks up an error in the table, and closes its connection, or all connections, accordingly. */
  recordFailure(error: unknown, client?: pg.PoolClient, statement?: string): void {
    const failure = postgresFailureOf(error);
    if (failure === undefined) return;
    // A late error of an older generation must not close the connections of the present one.
    const isCurrent = client === undefined || this.generations.get(client) === this.generation;
    if (failure.connection === 'drop_all' && isCurrent) this.generation++;
    if (failure.connection === 'drop' && client !== undefined) this.generations.delete(client);
    this.remember(error, statement);
  }

  private async open(client: pg.PoolClient, { max = 10 }: PostgresPoolOptions): Promise<void> {
    this.generations.set(client, this.generation);
    (client as unknown as ObservedClient).onFailure = (error, statement) =>
      this.recordFailure(error, client, statement);
    if (this.embedded) return;
    this.session = await prepareSession(client, max);
  }

  /** Returns a connection of the current generation. Older ones are closed. */
  private async checkOut(): Promise<pg.PoolClient> {
    try {
      for (;;) {
        const client = await super.connect();
        if (this.generations.get(client) === this.generation) return client;
        client.release(true);
      }
    } catch (cause) {
      const error = postgresFailureOf(cause) === undefined ? new ConnectFailed(cause) : cause;
      this.remember(error);
      throw error;
    }
  }

  /** Stores a failure for readiness checks, and logs it. */
  private remember(error: unknown, statement?: string): void {
    const failure = postgresFailureOf(error);
    if (failure?.losesReadiness !== true) return;
    this.log(failure, error);
    this.recentFailure = { failure, at: performance.now() };
    // Other failures close the connection. The next probe has to connect, and finds them itself.
    if (failure.connection !== 'keep') return;
    this.lastFailure = this.recentFailure;
    if (!failure.transient && statement !== undefined && EXPLAINABLE.test(statement))
      this.refusedStatement = statement;
  }

  private log({ reason, remedy }: StoreFailure, err: unknown): void {
    const line = {
      reason,
      remedy,
      sqlstate: (err as { code?: unknown }).code,
      ...(err instanceof ConnectFailed && { message: err.message }),
    };
    const title = 'the database cannot be used';
    this.lines.log(
      reason,
      () => this.logger.error(line, title),
      (failures) => this.logger.error({ ...line, failures }, title),
    );
  }
}

/** `pg.Client` that reports each error before the caller receives it, and repeats single statements after a rollback. */
class ObservedClient extends pg.Client {
  onFailure: ((error: unknown, statement: string | undefined) => void) | undefined;

  constructor(options?: pg.ClientConfig) {
    super(options);
    // An `error` event without a listener ends the process, and there is none between the listeners of the pool and of TypeORM.
    // The client refuses queries after the event, so that no other action is needed.
    this.on('error', () => {});
  }

  override query(...parameters: unknown[]): never {
    const callback = parameters.at(-1);
    if (typeof callback !== 'function') return this.run(parameters) as never;
    const call = callback as (error: unknown, result?: unknown) => void;
    this.run(parameters.slice(0, -1)).then(
      (result) => call(undefined, result),
      (error: unknown) => call(error),
    );
    return undefined as never;
  }

  private async run(parameters: readonly unknown[]): Promise<unknown> {
    const once = (): Promise<unknown> => super.query(...(parameters as [never]));
    try {
      return await (this.getTransactionStatus() === 'I' ? repeating(once) : once());
    } catch (error) {
      this.onFailure?.(error, textOf(parameters[0]));
      // The library keeps waiting for the response, and would block each later query on this connection.
      if ((error as Error).message === 'Query read timeout') void this.end();
      throw error;
    }
  }
}

function textOf(query: unknown): string | undefined {
  const { text = query } = (query ?? {}) as { readonly text?: unknown };
  return typeof text === 'string' ? text : undefined;
}

/** Returns the pool of a DataSource with the options of target.ts. */
export function poolOf({ driver }: DataSource): PostgresPool {
  return (driver as unknown as { readonly master: PostgresPool }).master;
}

/** Closes all connections to a server that refuses writes but serves reads. Returns the error to throw. */
export function leaveReadOnlyServer(dataSource: DataSource): Error {
  const error = readOnlyServer();
  poolOf(dataSource).recordFailure(error);
  return error;
}
