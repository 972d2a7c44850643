import type { DataSource } from 'typeorm';

/**
 * Runs `work` while no other process runs work under the same lock. The lock belongs to a connection of its own, so it is
 * free again when that is, also after a crash.
 */
export async function underLock<T>(dataSource: DataSource, lock: number, work: () => Promise<T>): Promise<T> {
  const holder = dataSource.createQueryRunner();
  try {
    await holder.query('SELECT pg_advisory_lock($1)', [lock]);
    try {
      return await work();
    } finally {
      await holder.query('SELECT pg_advisory_unlock($1)', [lock]);
    }
  } finally {
    await holder.release();
  }
}
