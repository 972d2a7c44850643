import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Batches } from '../database/batches.js';

const HOUR = 3_600_000;
/** Advisory lock: of several processes one does the work. */
const LOCK = 0x666f7267;

/** Removes, once an hour, what is kept for a while only: recent reactions, and the answers to calls with a key. */
@Injectable()
export class BoardRetention implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(BoardRetention.name);
  private timer: NodeJS.Timeout | undefined;
  private underWay: Promise<void> | undefined;
  private readonly batches: Batches;

  constructor(dataSource: DataSource) {
    this.batches = new Batches(dataSource, LOCK);
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.underWay = this.run().catch((error: unknown) => {
        this.logger.warn({ err: error }, 'what is too old on the boards cannot be removed just now');
      });
    }, HOUR).unref();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.underWay;
  }

  async run(): Promise<void> {
    await this.batches.remove('board.counter_changes', "created_at < now() - interval '1 hour'");
    await this.batches.remove('board.idempotency_keys', "created_at < now() - interval '1 day'");
  }
}
