import type { EntityManager, QueryRunner } from 'typeorm';

/**
 * Schema of the tables without a service: migrations and readiness probes. Not `public`, because ordinary roles may not
 * create tables there since PostgreSQL 15.
 */
export const MIGRATIONS_SCHEMA = 'daemun';

/**
 * Creates a schema unless it exists. `CREATE SCHEMA IF NOT EXISTS` requires the privilege to create schemas even if the
 * schema exists, and the role lacks it if an administrator created the schemas.
 */
export async function createSchema(db: EntityManager | QueryRunner, name: string): Promise<void> {
  const found = await db.query<unknown[]>('SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1', [name]);
  if (found.length === 0) await db.query(`CREATE SCHEMA ${name}`);
}
