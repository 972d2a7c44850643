import type { DataSource } from 'typeorm';

/** Largest number of rows that a statement changes, so that it does not hold its locks for long. */
export const BATCH = 5_000;

/** Changes many rows in transactions of {@link BATCH} rows. An advisory lock keeps other processes from the same work. */
export class Batches {
  /** `lock` is the key of the advisory lock that a process holds in each transaction. */
  constructor(
    private readonly dataSource: DataSource,
    private readonly lock: number,
  ) {}

  /** Runs a `WITH … changed AS (…)` until it changes fewer than {@link BATCH} rows. */
  async run(statement: string, parameters: readonly unknown[] = []): Promise<void> {
    for (let changed = BATCH; changed === BATCH;) {
      changed = await this.dataSource.transaction(async (db) => {
        const [{ locked }] = await db.query<[{ locked: boolean }]>(
          'SELECT pg_try_advisory_xact_lock($1) AS locked',
          [this.lock],
        );
        if (!locked) return 0;
        const [{ count }] = await db.query<[{ count: number }]>(
          `${statement} SELECT count(*)::int AS count FROM changed`,
          [...parameters],
        );
        return count;
      });
    }
  }

  /** Deletes the rows for which an SQL condition holds. Rows that another transaction has locked stay. */
  remove(table: string, condition: string): Promise<void> {
    return this.run(
      `WITH changed AS (
         DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
           SELECT ctid FROM ${table} WHERE ${condition} LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
         )) RETURNING 1
       )`,
    );
  }
}
