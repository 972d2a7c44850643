import { Logger } from '@nestjs/common';
import { DataSource, MigrationExecutor, type EntityManager } from 'typeorm';
import type { PostgresDataSourceOptions } from 'typeorm/driver/postgres/PostgresDataSourceOptions.js';
import { UnsuitableServer } from '../stores/postgres-failures.js';
import { underLock } from './lock.js';
import { createSchema, MIGRATIONS_SCHEMA } from './schema.js';

/** Advisory lock of migrations, the same for every process ("daemun" in ASCII). */
export const MIGRATION_LOCK = 0x6461656d756e;

/** Interval of the log line with the reason for which a start waits. */
const REMINDER_MS = 10_000;

/** Switches time limits off for migrations and for the wait for their lock. */
const NO_TIME_LIMITS = [
  'statement_timeout = 0',
  'lock_timeout = 0',
  'idle_in_transaction_session_timeout = 0',
];

/**
 * Runs pending migrations in one transaction. A lock serialises processes that start at the same time. A log line names the
 * reason for a long wait.
 */
export async function migrate(options: PostgresDataSourceOptions): Promise<void> {
  const logger = new Logger(migrate.name);
  let awaited = 'another process to finish with the migrations, or a database that does not answer';
  const reminder = setInterval(() => logger.warn(`still waiting for ${awaited}`), REMINDER_MS).unref();
  const { query_timeout: _, ...extra } = options.extra as { query_timeout?: number };
  const dataSource = new DataSource({ ...options, poolSize: 1, extra });
  try {
    await dataSource.initialize();
    await underLock(
      dataSource,
      MIGRATION_LOCK,
      async (db) => {
        awaited = 'the migrations to run';
        await createSchema(db, MIGRATIONS_SCHEMA);
        await refuseUnreleasedVersions(db);
        await refuseOthersSchemas(db);
        const executor = new MigrationExecutor(dataSource, db.queryRunner);
        // The transaction of the lock is used.
        executor.transaction = 'none';
        await executor.executePendingMigrations();
      },
      NO_TIME_LIMITS,
    );
  } finally {
    clearInterval(reminder);
    if (dataSource.isInitialized) await dataSource.destroy();
  }
}

/** First migration of versions before 0.1.0. Their databases cannot be migrated. */
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
        'The database was created by a version before 0.1.0, and cannot be migrated. ' +
          'Use an empty one: CREATE DATABASE; without DATABASE_URL, remove the folder `postgres` in DATA_DIR.',
      );
  }
}

/** Refuses a database in which another application has a schema with the same name, such as `auth` of Supabase. */
async function refuseOthersSchemas(db: EntityManager): Promise<void> {
  const [found, ...others] = await tablesOf(db, ['auth', 'profile', 'board', MIGRATIONS_SCHEMA]);
  if (found === undefined || [found, ...others].includes(`${MIGRATIONS_SCHEMA}.migrations`)) return;
  throw new UnsuitableServer(
    `DATABASE_URL leads to a database in which another application has ${found}. ` +
      'Give Daemun a database of its own: CREATE DATABASE daemun;',
  );
}

/** Returns the tables of schemas from the system catalogue, which needs no privilege on the schemas. */
async function tablesOf(db: EntityManager, schemas: readonly string[]): Promise<string[]> {
  const rows = await db.query<{ name: string }[]>(
    `SELECT n.nspname || '.' || c.relname AS name
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = ANY($1) AND c.relkind IN ('r', 'p', 'v')`,
    [schemas],
  );
  return rows.map(({ name }) => name);
}
