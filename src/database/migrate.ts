import { Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { PostgresDataSourceOptions } from 'typeorm/driver/postgres/PostgresDataSourceOptions.js';
import { underLock } from './lock.js';

/** Any number; the same in every process that may migrate this database. "daemun" in ASCII. */
export const MIGRATION_LOCK = 0x6461656d756e;

/** How often (ms) to say what a start waits for. */
const OFTEN = 10_000;

/**
 * Brings the schema up to date. Processes that start at once take turns, and those that come later find nothing left to
 * do. Neither a migration nor the wait for one is bound by the time limits that requests have; the log says what is waited for.
 */
export async function migrate(options: PostgresDataSourceOptions): Promise<void> {
  const logger = new Logger(migrate.name);
  let what = 'another process to finish with the migrations, or a database that does not answer';
  const saying = setInterval(() => logger.warn(`still waiting for ${what}`), OFTEN).unref();
  const patient = new DataSource({ ...options, poolSize: 2, extra: { keepAlive: true } });
  try {
    await patient.initialize();
    await underLock(patient, MIGRATION_LOCK, async () => {
      what = 'the migrations to run';
      await patient.runMigrations({ transaction: 'each' });
    });
  } finally {
    clearInterval(saying);
    if (patient.isInitialized) await patient.destroy();
  }
}
