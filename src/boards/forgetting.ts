import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';

const HOUR = 3_600_000;
/** Rows of a statement: one that deletes all of a busy day would take longer than a statement may. */
const BATCH = 5_000;
const STATEMENTS = [
  ['board.reactions', "made_at < now() - interval '1 hour'"],
  ['board.idempotency_keys', "made_at < now() - interval '1 day'"],
].map(
  ([table, old]) => `
    WITH deleted AS (
      DELETE FROM ${table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM ${table} WHERE ${old} LIMIT ${BATCH})) RETURNING 1
    )
    SELECT count(*)::integer AS count FROM deleted`,
);

/** Removes, once an hour, what is kept for a while only: recent reactions, and the answers to calls with a key. */
@Injectable()
export class Forgetting implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(Forgetting.name);
  private timer: NodeJS.Timeout | undefined;
  private underWay: Promise<void> | undefined;

  constructor(private readonly dataSource: DataSource) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.underWay = this.forget().catch((error: unknown) => {
        this.logger.warn({ err: error }, 'what is too old on the boards cannot be removed just now');
      });
    }, HOUR).unref();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.underWay;
  }

  async forget(): Promise<void> {
    for (const statement of STATEMENTS) {
      for (let count = BATCH; count === BATCH;) {
        const [deleted] = await this.dataSource.query<[{ count: number }]>(statement);
        ({ count } = deleted);
      }
    }
  }
}
