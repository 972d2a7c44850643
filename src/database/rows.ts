import type { EntityManager } from 'typeorm';

/** A DataSource, or the EntityManager of a transaction. */
type Db = Pick<EntityManager, 'query'>;

/*
 * The rule for statements:
 * - a repository, or the EntityManager of a transaction, for one row by its key;
 * - SQL where the work must be one statement: an upsert, a change with its condition, a change of many rows;
 * - a prepared statement (prepared.ts) for the reads that most requests make.
 * TypeORM returns `[rows, count]` for UPDATE and DELETE, and the rows for every other command. The functions below return
 * the same type for all commands.
 */

/** Runs a statement and returns its rows: those of SELECT, or of RETURNING. */
export async function rowsOf<Row>(db: Db, sql: string, parameters: readonly unknown[] = []): Promise<Row[]> {
  const result = await db.query<Row[] | [Row[], number]>(sql, [...parameters]);
  return isPair(result) ? result[0] : result;
}

/** Runs an UPDATE or a DELETE and returns the number of changed rows. */
export async function changedRows(db: Db, sql: string, parameters: readonly unknown[] = []): Promise<number> {
  const [, count] = await db.query<[unknown[], number]>(sql, [...parameters]);
  return count;
}

function isPair<Row>(result: Row[] | [Row[], number]): result is [Row[], number] {
  return Array.isArray(result[0]);
}
