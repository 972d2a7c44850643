import type { DataSource } from 'typeorm';

/** Rows that a statement changes at most: one that changes more would hold its locks for too long. */
export const BATCH = 5_000;

/** Changes many rows, {@link BATCH} in a transaction; of several processes one does the work. */
export class Batches {
  /** `lock` is the key of the advisory lock that a process holds in each transaction. */
  constructor(
    private readonly dataSource: DataSource,
    private readonly lock: number,
  ) {}

  /** Runs a statement whose last part is called `changed` until nothing is left to change. */
  async run(statement: string, parameters: readonly unknown[] = []): Promise<void> {
    for (let changed = BATCH; changed === BATCH;) {
      changed = await this.dataSource.transaction(async (db) => {
        const [{ mine }] = await db.query<[{ mine: boolean }]>(
          'SELECT pg_try_advisory_xact_lock($1) AS mine',
          [this.lock],
        );
        if (!mine) return 0;
        const [{ count }] = await db.query<[{ count: number }]>(
          `${statement} SELECT count(*)::int AS count FROM changed`,
          [...parameters],
        );
        return count;
      });
    }
  }

  /** Deletes the rows for which the SQL condition `which` holds. Rows that another transaction has locked stay. */
  remove(table: string, which: string): Promise<void> {
    return this.run(
      `WITH changed AS (
         DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
           SELECT ctid FROM ${table} WHERE ${which} LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
         )) RETURNING 1
       )`,
    );
  }
}
