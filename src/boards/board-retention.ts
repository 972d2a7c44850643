import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Periodic } from '../concurrency/periodic.js';
import { Batches } from '../database/batches.js';

const INTERVAL_MS = 3_600_000;
const JITTER = 0.1;
/** Key of the advisory lock under which one process does the work. */
const LOCK = 0x666f7267;

/** Retention of the tables of BoardService, once an hour: deletes counter changes after an hour, and idempotency keys after a day. */
@Injectable()
export class BoardRetention implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(BoardRetention.name);
  private readonly batches: Batches;
  private readonly periodic = new Periodic(() => this.run(), {
    everyMs: INTERVAL_MS,
    jitter: JITTER,
    onFailure: (error) => this.logger.warn({ err: error }, 'retention of boards failed'),
  });

  constructor(dataSource: DataSource) {
    this.batches = new Batches(dataSource, LOCK);
  }

  onApplicationBootstrap(): void {
    this.periodic.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.periodic.stop();
  }

  async run(): Promise<void> {
    await this.batches.remove('board.counter_changes', "created_at < now() - interval '1 hour'");
    await this.batches.remove('board.idempotency_keys', "created_at < now() - interval '1 day'");
  }
}
