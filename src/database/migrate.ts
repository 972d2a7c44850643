import { DataSource } from 'typeorm';
import type { PostgresDataSourceOptions } from 'typeorm/driver/postgres/PostgresDataSourceOptions.js';
import { underLock } from './lock.js';

/** Any number; the same in every process that may migrate this database. "daemun" in ASCII. */
const MIGRATION_LOCK = 0x6461656d756e;

/**
 * Brings the schema up to date. Processes that start at once take turns, and those that come later find nothing left to
 * do. Neither a migration nor the wait for one is bound by the time limits that requests have.
 */
export async function migrate(options: PostgresDataSourceOptions): Promise<void> {
  const patient = await new DataSource({ ...options, poolSize: 2, extra: { keepAlive: true } }).initialize();
  try {
    await underLock(patient, MIGRATION_LOCK, () => patient.runMigrations({ transaction: 'each' }));
  } finally {
    await patient.destroy();
  }
}
