import { Logger } from '@nestjs/common';
import pg from 'pg';
import type { DataSource } from 'typeorm';
import { RepeatedLines } from '../logging/repeated-lines.js';
import { ConnectFailed, postgresFailureOf } from '../stores/postgres-failures.js';
import type { StoreFailure } from '../stores/store-failure.js';
import { repeating } from './repeating.js';
import { prepareSession, readOnlyServer, type ServerSession } from './server-session.js';

/** Interval (ms) of the line that sums up repeated failures. */
const LOG_INTERVAL_MS = 60_000;

/** Statements that EXPLAIN takes: it checks names and privileges, and runs nothing. */
export const EXPLAINABLE = /^\s*(?:EXPLAIN\s+)?(?=(?:SELECT|INSERT|UPDATE|DELETE|WITH)\b)/i;

/** Options of {@link PostgresPool} besides those of `pg.Pool`. */
export interface PostgresPoolOptions extends pg.PoolConfig {
  /** The database inside this process: it has one session for all connections, and needs no preparing. */
  readonly embedded?: boolean;
}

/**
 * `pg.Pool` that follows the table of PostgreSQL's failures: it closes the connections that an error makes unusable. After
 * a fail-over these are all of them, since each leads to the former primary.
 */
export class PostgresPool extends pg.Pool {
  /** The server, as the newest connection found it; undefined for the embedded database. */
  session: ServerSession | undefined;
  /** Set where a pooler that looks like the server lost a prepared statement. */
  losesStatements = false;
  /** Last failure that makes the process unready, with its time (`performance.now()`). */
  recentFailure: { readonly failure: StoreFailure; readonly at: number } | undefined;
  /** Last failure that makes the process unready and left its connection usable, with its time (`performance.now()`). */
  lastFailure: { readonly failure: StoreFailure; readonly at: number } | undefined;
  /** Statement of the last failure that only an operator can end. {@link EXPLAINABLE}. */
  refusedStatement: string | undefined;
  private readonly logger = new Logger(PostgresPool.name);
  private generation = 0;
  /** The generation in which a connection was opened; a connection without one is not used again. */
  private readonly generations = new WeakMap<object, number>();
  private readonly lines = new RepeatedLines(LOG_INTERVAL_MS);

  /** {@link PostgresPoolOptions.embedded}. */
  readonly embedded: boolean;

  constructor(options: PostgresPoolOptions) {
    super({ ...options, Client: ObservedClient });
    this.embedded = options.embedded ?? false;
    Object.assign(this.options, { onConnect: (client: pg.PoolClient) => this.open(client, options) });
  }

  /** True where statements may be prepared by name: not behind a pooler that changes connections between statements. */
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
  override connect(callback?: (...answer: never[]) => void): Promise<pg.PoolClient> | void {
    const checkedOut = this.checkOut();
    if (callback === undefined) return checkedOut;
    const answer = callback as (error?: unknown, client?: pg.PoolClient, done?: unknown) => void;
    checkedOut.then(
      (client) => answer(undefined, client, (error?: Error) => client.release(error)),
      (error: unknown) => answer(error, undefined, () => {}),
    );
  }

  /** Looks an error up, and does with the connection, or with all, as the table says. */
  recordFailure(error: unknown, client?: pg.PoolClient, statement?: string): void {
    const failure = postgresFailureOf(error);
    if (failure === undefined) return;
    // An error that comes late is about connections that are gone already.
    const present = client === undefined || this.generations.get(client) === this.generation;
    if (failure.connection === 'drop_all' && present) this.generation++;
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

  /** A connection of the present generation; older ones are closed on the way. */
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

  /** Keeps a failure for readiness, and tells it to the operator. */
  private remember(error: unknown, statement?: string): void {
    const failure = postgresFailureOf(error);
    if (failure?.losesReadiness !== true) return;
    this.log(failure, error);
    this.recentFailure = { failure, at: performance.now() };
    // Other failures close the connection: the next probe has to connect, and meets them itself.
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

/** Reports each error of a query before the caller learns of it, and repeats statements that are a transaction by themselves. */
class ObservedClient extends pg.Client {
  onFailure: ((error: unknown, statement: string | undefined) => void) | undefined;

  constructor(options?: pg.ClientConfig) {
    super(options);
    // An `error` event without a listener ends the process, and between those of the pool and of TypeORM there is none. The
    // client refuses queries after one, so that nothing else is to do.
    this.on('error', () => {});
  }

  override query(...parameters: unknown[]): never {
    const callback = parameters.at(-1);
    if (typeof callback !== 'function') return this.run(parameters) as never;
    const answer = callback as (error: unknown, result?: unknown) => void;
    this.run(parameters.slice(0, -1)).then(
      (result) => answer(undefined, result),
      (error: unknown) => answer(error),
    );
    return undefined as never;
  }

  private async run(parameters: readonly unknown[]): Promise<unknown> {
    const once = (): Promise<unknown> => super.query(...(parameters as [never]));
    try {
      return await (this.getTransactionStatus() === 'I' ? repeating(once) : once());
    } catch (error) {
      this.onFailure?.(error, textOf(parameters[0]));
      // The library goes on waiting for the answer, and so would each later query on this connection.
      if ((error as Error).message === 'Query read timeout') void this.end();
      throw error;
    }
  }
}

function textOf(query: unknown): string | undefined {
  const { text = query } = (query ?? {}) as { readonly text?: unknown };
  return typeof text === 'string' ? text : undefined;
}

/** The pool below a DataSource whose options come from `target.ts`. */
export function poolOf({ driver }: DataSource): PostgresPool {
  return (driver as unknown as { readonly master: PostgresPool }).master;
}

/** Leaves a server that takes no writes, although it answers reads; the error to throw. */
export function leaveReadOnlyServer(dataSource: DataSource): Error {
  const error = readOnlyServer();
  poolOf(dataSource).recordFailure(error);
  return error;
}
