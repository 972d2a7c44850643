import type { DataSource } from 'typeorm';
import { poolOf } from './postgres-pool.js';

/** Runs statements: a DataSource or a transaction. */
export interface Queries {
  query<T>(text: string, parameters?: unknown[]): Promise<T>;
}

/**
 * Runs statements of which none may take longer than `ms`, in one transaction (57014: 503). The embedded database cannot
 * interrupt a statement, and others would wait for the transaction: there each runs by itself.
 */
export async function withStatementTimeout<T>(
  dataSource: DataSource,
  ms: number,
  work: (db: Queries) => Promise<T>,
): Promise<T> {
  if (poolOf(dataSource).session === undefined) return work(dataSource);
  return dataSource.transaction(async (db) => {
    await db.query(`SET LOCAL statement_timeout = ${ms}`);
    return work(db);
  });
}
