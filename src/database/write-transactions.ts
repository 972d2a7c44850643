import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { databaseBulkhead } from './pool-share.js';
import type { Bulkhead } from '../concurrency/bulkhead.js';

/** Transactions that wait for others: a like takes some milliseconds, and a post of 20,000 characters 100 ms. */
const WAITING = 200;

/** Transactions that write, behind a bulkhead in which accounts take turns. */
@Injectable()
export class WriteTransactions {
  private readonly bulkhead: Bulkhead;

  constructor(private readonly dataSource: DataSource) {
    this.bulkhead = databaseBulkhead(dataSource, WAITING, 'writing');
  }

  /** @throws {Problem} `temporarily_unavailable` when too many are waiting. */
  run<T>({ accountId }: Actor, work: (db: EntityManager) => Promise<T>): Promise<T> {
    return this.bulkhead.run(() => this.dataSource.transaction(work), { key: accountId });
  }
}
