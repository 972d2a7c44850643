import { DataSource, type EntityManager } from 'typeorm';
import type { IsolationLevel } from 'typeorm/driver/types/IsolationLevel.js';
import { repeating } from './repeating.js';

/** DataSource that repeats a transaction which the server rolled back because of a concurrent one. */
export class RetryingDataSource extends DataSource {
  override transaction<T>(run: (db: EntityManager) => Promise<T>): Promise<T>;
  override transaction<T>(isolation: IsolationLevel, run: (db: EntityManager) => Promise<T>): Promise<T>;
  override transaction<T>(...parameters: readonly unknown[]): Promise<T> {
    return repeating(() => super.transaction<T>(...(parameters as [(db: EntityManager) => Promise<T>])));
  }
}
