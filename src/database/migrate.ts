import type { DataSource } from 'typeorm';

/** Any number; the same in every process that may migrate this database. "daemun" in ASCII. */
const MIGRATION_LOCK = 0x6461656d756e;

/**
 * Brings the schema up to date. Processes that start at once take turns under an advisory lock, and those that come
 * later find nothing left to do.
 */
export async function migrate(dataSource: DataSource): Promise<void> {
  await underLock(dataSource, MIGRATION_LOCK, async () => {
    // The migrations of a large table may well take longer than any request may.
    await dataSource.runMigrations({ transaction: 'each' });
  });
}

/** Runs `work` while no other process runs work under the same lock. */
export async function underLock<T>(dataSource: DataSource, lock: number, work: () => Promise<T>): Promise<T> {
  const holder = dataSource.createQueryRunner();
  try {
    await holder.query('SET statement_timeout = 0');
    await holder.query('SELECT pg_advisory_lock($1)', [lock]);
    try {
      return await work();
    } finally {
      await holder.query('SELECT pg_advisory_unlock($1)', [lock]);
      await holder.query('RESET statement_timeout');
    }
  } finally {
    await holder.release();
  }
}
