import type { Pool, QueryResultRow } from 'pg';
import type { DataSource } from 'typeorm';

/** A statement that is run so often that PostgreSQL should parse and plan it once a connection. */
export interface Prepared {
  readonly name: string;
  readonly text: string;
}

/**
 * Runs a prepared statement past TypeORM's query builder, which takes longer than the database for a row by its key. The
 * embedded database has one backend for all connections, where names would clash: there it runs unnamed.
 */
export async function runPrepared<Row extends QueryResultRow>(
  { driver, options }: DataSource,
  { name, text }: Prepared,
  values: readonly unknown[],
): Promise<Row[]> {
  const embedded = 'host' in options && options.host?.startsWith('/') === true;
  const { master: pool } = driver as unknown as { readonly master: Pool };
  const { rows } = await pool.query<Row>({ name: embedded ? undefined : name, text, values: [...values] });
  return rows;
}
