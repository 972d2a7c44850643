import type { DataSource } from 'typeorm';
import { Bulkhead } from '../concurrency/bulkhead.js';
import { poolOf } from './postgres-pool.js';

/**
 * A bulkhead of costly work in the database: at once a quarter of `DATABASE_POOL`, 1 at least, so that the three of them
 * (writes, searches, popular posts) leave a quarter of 4 or more connections to other requests. The embedded database runs
 * one statement at a time.
 */
export function databaseBulkhead(dataSource: DataSource, queue: number, name: string): Bulkhead {
  const { embedded, options } = poolOf(dataSource);
  const concurrency = embedded ? 1 : Math.max(1, Math.floor(options.max / 4));
  return new Bulkhead({ concurrency, queue }, name);
}
