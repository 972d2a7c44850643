import type { DataSource, EntityManager } from 'typeorm';

/**
 * Runs `work` in a transaction with an advisory lock. The lock belongs to the transaction, so that it also works behind a
 * pooler in transaction mode. `settings` apply to this transaction.
 */
export async function underLock<T>(
  dataSource: DataSource,
  lock: number,
  work: (db: EntityManager) => Promise<T>,
  settings: readonly string[] = [],
): Promise<T> {
  return dataSource.transaction(async (db) => {
    for (const setting of settings) await db.query(`SET LOCAL ${setting}`);
    await db.query('SELECT pg_advisory_xact_lock($1)', [lock]);
    return work(db);
  });
}
