import { createHash } from 'node:crypto';
import type { QueryResultRow } from 'pg';
import type { DataSource } from 'typeorm';
import { postgresFailureOf } from '../stores/postgres-failures.js';
import { poolOf, type PostgresPool } from './postgres-pool.js';

/** A frequent statement, which PostgreSQL parses and plans once per connection. */
interface Prepared {
  readonly name: string;
  readonly text: string;
}

/** Returns a named statement. Its hash separates two versions of Daemun that share connections behind a pooler. */
export function prepared(name: string, text: string): Prepared {
  return { name: `${name}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}`, text };
}

/**
 * Runs a prepared statement without TypeORM's query builder, which takes longer than the database for a row by its key. It
 * runs unnamed behind a pooler and in the embedded database, where connections share or change their backend.
 */
export async function runPrepared<Row extends QueryResultRow>(
  dataSource: DataSource,
  statement: Prepared,
  values: readonly unknown[],
): Promise<Row[]> {
  const pool = poolOf(dataSource);
  if (!pool.namedStatements) return run(pool, statement.text, values);
  try {
    const { rows } = await pool.query<Row>({ ...statement, values: [...values] });
    return rows;
  } catch (error) {
    if (!isLost(pool, error)) throw error;
    return run(pool, statement.text, values);
  }
}

async function run<Row extends QueryResultRow>(
  pool: PostgresPool,
  text: string,
  values: readonly unknown[],
): Promise<Row[]> {
  const { rows } = await pool.query<Row>({ text, values: [...values] });
  return rows;
}

/** Returns true for an error that the statement's name caused. A pooler that lost a statement once is not used with names again. */
function isLost(pool: PostgresPool, error: unknown): boolean {
  const failure = postgresFailureOf(error);
  if (failure?.client !== 'retry_unnamed') return false;
  pool.losesStatements ||= failure.reason !== 'feature_not_supported';
  return true;
}
