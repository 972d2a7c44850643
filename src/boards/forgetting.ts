import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';

const HOUR = 3_600_000;
const STATEMENTS = [
  "DELETE FROM board.reactions WHERE made_at < now() - interval '1 hour'",
  "DELETE FROM board.idempotency_keys WHERE made_at < now() - interval '1 day'",
];

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
    for (const statement of STATEMENTS) await this.dataSource.query(statement);
  }
}
