import type { DataSource } from 'typeorm';
import { poolOf } from '../database/postgres-pool.js';
import { Turns } from '../turns.js';

/**
 * A bulkhead of costly statements, which leaves the other connections to other requests: two at once, or one where the
 * database is embedded and runs one statement at a time.
 */
export function bulkhead(dataSource: DataSource, waiting: number, name: string): Turns {
  const embedded = poolOf(dataSource).session === undefined;
  return new Turns({ atOnce: embedded ? 1 : 2, waiting }, name);
}
