import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource, type EntityManager } from 'typeorm';
import type { IsolationLevel } from 'typeorm/driver/types/IsolationLevel.js';
import { postgresFailureOf } from '../stores/postgres-failures.js';

const ATTEMPTS = 5;
const FIRST_BACKOFF_MS = 10;

/** A DataSource that repeats what the server rolled back because of another transaction (deadlock, serialization failure). */
export class RetryingDataSource extends DataSource {
  override transaction<T>(run: (db: EntityManager) => Promise<T>): Promise<T>;
  override transaction<T>(isolation: IsolationLevel, run: (db: EntityManager) => Promise<T>): Promise<T>;
  override transaction<T>(...parameters: readonly unknown[]): Promise<T> {
    return retrying(() => super.transaction<T>(...(parameters as [(db: EntityManager) => Promise<T>])));
  }

  override query<T>(...parameters: Parameters<DataSource['query']>): Promise<T> {
    const [, , runner] = parameters;
    // A statement of a transaction is repeated with the whole of it.
    return runner === undefined
      ? retrying(() => super.query<T>(...parameters))
      : super.query<T>(...parameters);
  }
}

async function retrying<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === ATTEMPTS || postgresFailureOf(error)?.client !== 'retry') throw error;
      await sleep(FIRST_BACKOFF_MS * 2 ** attempt * Math.random());
    }
  }
}
