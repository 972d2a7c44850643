import type { DataSource } from 'typeorm';
import { poolOf } from '../database/postgres-pool.js';
import { Turns } from '../turns.js';

/**
 * A bulkhead of costly work in the database, which leaves the other connections to other requests: at once a quarter of
 * `DATABASE_POOL` (2 at least), or one where the database is embedded and runs one statement at a time.
 */
export function bulkhead(dataSource: DataSource, waiting: number, name: string): Turns {
  const { session, options } = poolOf(dataSource);
  const atOnce = session === undefined ? 1 : Math.max(2, Math.floor(options.max / 4));
  return new Turns({ atOnce, waiting }, name);
}
