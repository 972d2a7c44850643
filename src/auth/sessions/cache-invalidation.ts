import { Injectable } from '@nestjs/common';
import { Redis, type Run } from '../../redis/redis.js';
import { EVICT, TOMBSTONE } from './rotation.lua.js';
import { SessionRows } from './session-rows.js';

/** Lifetime of a cached session after its last use; the row seeds it again. */
export const CACHE_TTL_MS = 24 * 3_600_000;
/** Lifetime of a tombstone: longer than any request that may have read the row before the session ended. */
const TOMBSTONE_TTL_MS = 60_000;
/** Commands that are sent without waiting for one another. */
const PIPELINE_SIZE = 200;

/** Change of a row that cached sessions may not reflect. */
export interface SessionChange {
  /** `ended` and `changed` are of a session; `account` concerns all sessions of an account. */
  readonly kind: 'ended' | 'changed' | 'account';
  readonly id: string;
  /** Time of the change by the database's clock: tells one change of a row from the next. */
  readonly at: string;
  /** True where access tokens from before the change may still be valid. */
  readonly recent: boolean;
}

/** Invalidation of cached sessions in Redis. Each method rejects with `RedisUnavailable` without Redis. */
@Injectable()
export class CacheInvalidation {
  constructor(
    private readonly redis: Redis,
    private readonly rows: SessionRows,
  ) {}

  /** Invalidates the cached sessions that changes concern. `run` is that of a connection which is not in use yet. */
  async invalidate(changes: readonly SessionChange[], run: Run): Promise<void> {
    const idsOf = (kind: SessionChange['kind']) =>
      changes.flatMap((change) => (change.kind === kind ? [change.id] : []));
    const sessionsOfAccounts = await this.rows.livingSessionsOf(idsOf('account'));
    await inBatches(idsOf('ended'), (id) => this.tombstone(id, run));
    await inBatches([...idsOf('changed'), ...sessionsOfAccounts], (id) => this.evict(id, run));
  }

  /** Removes a session from the cache: the next refresh reads its row. */
  async evict(sessionId: string, run: Run = this.redis.run): Promise<void> {
    await run(EVICT, cacheKey(sessionId), []);
  }

  /** Marks a session in the cache as ended. */
  async tombstone(sessionId: string, run: Run = this.redis.run): Promise<void> {
    await run(TOMBSTONE, cacheKey(sessionId), [TOMBSTONE_TTL_MS]);
  }

  /** Marks sessions in the cache as ended. */
  async tombstoneAll(sessionIds: readonly string[]): Promise<void> {
    await inBatches(sessionIds, (id) => this.tombstone(id));
  }
}

/** Returns the only key of a session, so that its scripts run on any node of a cluster. */
export function cacheKey(sessionId: string): string {
  return `daemun:session:${sessionId}`;
}

async function inBatches<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += PIPELINE_SIZE) {
    await Promise.all(items.slice(at, at + PIPELINE_SIZE).map(work));
  }
}
