import type { EntityManager, QueryRunner } from 'typeorm';

/**
 * The schema of what belongs to no service: the table of migrations, and the readiness probes. It is not `public`, where
 * since PostgreSQL 15 an ordinary role may not create anything.
 */
export const MIGRATIONS_SCHEMA = 'daemun';

/**
 * Creates a schema unless it exists. `CREATE SCHEMA IF NOT EXISTS` asks for the right to create one also where it is there,
 * which a role for which an administrator made the schemas does not have.
 */
export async function createSchema(db: EntityManager | QueryRunner, name: string): Promise<void> {
  const found = await db.query<unknown[]>('SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1', [name]);
  if (found.length === 0) await db.query(`CREATE SCHEMA ${name}`);
}
