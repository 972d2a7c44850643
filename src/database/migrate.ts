import { Logger } from '@nestjs/common';
import { DataSource, MigrationExecutor, type EntityManager } from 'typeorm';
import type { PostgresDataSourceOptions } from 'typeorm/driver/postgres/PostgresDataSourceOptions.js';
import { UnsuitableServer } from '../stores/postgres-failures.js';
import { underLock } from './lock.js';
import { createSchema, MIGRATIONS_SCHEMA } from './schema.js';

/** Any number; the same in every process that may migrate this database. "daemun" in ASCII. */
export const MIGRATION_LOCK = 0x6461656d756e;

/** Interval (ms) of the log line that names what a start waits for. */
const REMINDER_MS = 10_000;

/** Neither a migration nor the wait for one is bound by the time limits of requests. */
const NO_TIME_LIMITS = [
  'statement_timeout = 0',
  'lock_timeout = 0',
  'idle_in_transaction_session_timeout = 0',
];

/**
 * Brings the schema up to date, in one transaction. Processes that start at once take turns, and those that come later
 * find nothing left to do. The log says what is waited for.
 */
export async function migrate(options: PostgresDataSourceOptions): Promise<void> {
  const logger = new Logger(migrate.name);
  let what = 'another process to finish with the migrations, or a database that does not answer';
  const saying = setInterval(() => logger.warn(`still waiting for ${what}`), REMINDER_MS).unref();
  const { query_timeout: _, ...extra } = options.extra as { query_timeout?: number };
  const dataSource = new DataSource({ ...options, poolSize: 1, extra });
  try {
    await dataSource.initialize();
    await underLock(
      dataSource,
      MIGRATION_LOCK,
      async (db) => {
        what = 'the migrations to run';
        await createSchema(db, MIGRATIONS_SCHEMA);
        await refuseUnreleasedVersions(db);
        await refuseOthersSchemas(db);
        const executor = new MigrationExecutor(dataSource, db.queryRunner);
        // The transaction is that of the lock.
        executor.transaction = 'none';
        await executor.executePendingMigrations();
      },
      NO_TIME_LIMITS,
    );
  } finally {
    clearInterval(saying);
    if (dataSource.isInitialized) await dataSource.destroy();
  }
}

/** The first migration of versions before 0.1.0, whose databases cannot be migrated. */
const FIRST_UNRELEASED_MIGRATION = 'CreateAuth1764000000000';

async function refuseUnreleasedVersions(db: EntityManager): Promise<void> {
  const tables = await tablesOf(db, ['public', 'auth', MIGRATIONS_SCHEMA]);
  if (!tables.includes('auth.accounts')) return;
  for (const schema of ['public', MIGRATIONS_SCHEMA]) {
    if (!tables.includes(`${schema}.migrations`)) continue;
    const found = await db.query<unknown[]>(`SELECT FROM ${schema}.migrations WHERE name = $1`, [
      FIRST_UNRELEASED_MIGRATION,
    ]);
    if (found.length > 0)
      throw new UnsuitableServer(
        'The database was made by a version before 0.1.0, and cannot be migrated. ' +
          'Give Daemun an empty one: CREATE DATABASE; without DATABASE_URL, remove the folder `postgres` in DATA_DIR.',
      );
  }
}

/** A schema of another application with the same name, such as Supabase's `auth`, would be mixed up with ours. */
async function refuseOthersSchemas(db: EntityManager): Promise<void> {
  const [found, ...others] = await tablesOf(db, ['auth', 'profile', 'board', MIGRATIONS_SCHEMA]);
  if (found === undefined || [found, ...others].includes(`${MIGRATIONS_SCHEMA}.migrations`)) return;
  throw new UnsuitableServer(
    `DATABASE_URL leads to a database in which another application has ${found}. ` +
      'Give Daemun a database of its own: CREATE DATABASE daemun;',
  );
}

/** The tables of these schemas, from the catalogue, which may be read without a right to the schemas. */
async function tablesOf(db: EntityManager, schemas: readonly string[]): Promise<string[]> {
  const rows = await db.query<{ name: string }[]>(
    `SELECT n.nspname || '.' || c.relname AS name
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = ANY($1) AND c.relkind IN ('r', 'p', 'v')`,
    [schemas],
  );
  return rows.map(({ name }) => name);
}
