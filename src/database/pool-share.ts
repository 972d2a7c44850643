import type { DataSource } from 'typeorm';
import { Bulkhead } from '../concurrency/bulkhead.js';
import { poolOf } from './postgres-pool.js';

/**
 * Returns a bulkhead for expensive database work. Its concurrency is a quarter of `DATABASE_POOL`, at least 1: the three
 * bulkheads (writes, searches, popular list) leave a quarter of 4 or more connections to other requests. The embedded
 * database runs one statement at a time.
 */
export function databaseBulkhead(dataSource: DataSource, queue: number, name: string): Bulkhead {
  const { embedded, options } = poolOf(dataSource);
  const concurrency = embedded ? 1 : Math.max(1, Math.floor(options.max / 4));
  return new Bulkhead({ concurrency, queue }, name);
}
