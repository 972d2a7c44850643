import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { bulkhead } from '../database/bulkhead.js';
import type { Turns } from '../turns.js';

/** Transactions that wait for others: a like takes some milliseconds, and a post of 20,000 characters 100 ms. */
const WAITING = 200;

/** Transactions that write, behind a bulkhead in which accounts take turns. */
@Injectable()
export class Writes {
  private readonly turns: Turns;

  constructor(private readonly dataSource: DataSource) {
    this.turns = bulkhead(dataSource, WAITING, 'writing');
  }

  /** @throws {Problem} `temporarily_unavailable` when too many are waiting. */
  transaction<T>({ accountId }: Actor, work: (db: EntityManager) => Promise<T>): Promise<T> {
    return this.turns.run(() => this.dataSource.transaction(work), { key: accountId });
  }
}
