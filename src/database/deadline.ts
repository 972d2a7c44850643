import type { DataSource } from 'typeorm';
import { poolOf } from './postgres-pool.js';

/** A DataSource or a transaction, as far as it runs statements. */
export interface Queries {
  query<T>(text: string, parameters?: unknown[]): Promise<T>;
}

/**
 * Runs statements that together may take `ms`, in one transaction (57014: 503). The embedded database cannot interrupt a
 * statement, and others would wait for the transaction: there each runs by itself.
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
        const left = Math.max(1, Math.ceil(deadline - performance.now()));
        await db.query(`SET LOCAL statement_timeout = ${left}`);
        return db.query(text, parameters);
      },
    });
  });
}
