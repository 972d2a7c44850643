import type { DataSource } from 'typeorm';
import { poolOf } from './postgres-pool.js';

/** `query` of a DataSource or a transaction. */
export interface Queries {
  query<T>(text: string, parameters?: unknown[]): Promise<T>;
}

/**
 * Runs statements in one transaction with a common time limit (SQLSTATE 57014: 503). The embedded database cannot interrupt
 * a statement, so that each runs by itself there, and other connections need not wait for a transaction.
 */
export async function withDeadline<T>(
  dataSource: DataSource,
  ms: number,
  work: (db: Queries) => Promise<T>,
): Promise<T> {
  if (poolOf(dataSource).embedded) return work(dataSource);
  return dataSource.transaction(async (db) => {
    const deadline = performance.now() + ms;
    return work({
      query: async (text, parameters) => {
        const remainingMs = Math.max(1, Math.ceil(deadline - performance.now()));
        await db.query(`SET LOCAL statement_timeout = ${remainingMs}`);
        return db.query(text, parameters);
      },
    });
  });
}
