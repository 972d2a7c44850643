import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Bulkhead } from '../concurrency/bulkhead.js';
import { databaseBulkhead } from './pool-share.js';

/** Longest queue of transactions. A like takes a few milliseconds, a post of 20,000 characters 100 ms. */
const MAX_QUEUED = 200;

/** Write transactions of requests, behind one bulkhead for all modules. The queue is fair between accounts. */
@Injectable()
export class WriteTransactions {
  private readonly bulkhead: Bulkhead;

  constructor(private readonly dataSource: DataSource) {
    this.bulkhead = databaseBulkhead(dataSource, MAX_QUEUED, 'writing');
  }

  /** Runs `work` in a transaction. @throws {Problem} `temporarily_unavailable` if the queue is full. */
  run<T>({ accountId }: { readonly accountId: string }, work: (db: EntityManager) => Promise<T>): Promise<T> {
    return this.bulkhead.run(() => this.dataSource.transaction(work), { key: accountId });
  }
}
