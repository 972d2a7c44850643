import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Denylist } from '../../access/denylist.js';
import { RevocationFeed } from '../../access/revocation-feed.js';
import { Config } from '../../config/config.js';
import { leaveReadOnlyServer } from '../../database/postgres-pool.js';
import { READ_ONLY } from '../../database/server-session.js';
import { Redis, RedisUnavailable, type Run } from '../../redis/redis.js';
import { CACHE_TTL_MS, CacheInvalidation, type SessionChange } from './cache-invalidation.js';

/** Redis channel of ended sessions; a message is a session id. */
const CHANNEL = 'daemun:ended-sessions';
/** Overlap of two polls: a change becomes visible later than its own time, when its transaction commits. */
const OVERLAP_S = 15;

/**
 * Revocation feed of AuthService. The rows are authoritative: {@link poll} reads those that changed. Redis pub/sub sends ended
 * sessions to the other processes at once; messages that it loses are found by the next poll.
 *
 * The rows also invalidate cached sessions in Redis: at each poll, and when Redis is back after an outage.
 */
@Injectable()
export class PostgresRevocationFeed extends RevocationFeed implements OnModuleInit {
  /** Changes of the last poll, by id. The next poll finds them again within {@link OVERLAP_S}. */
  private seen = new Map<string, string>();
  /** Time of the last poll, by the database's clock. */
  private polledAt: string | undefined;
  /** Time until which the cache in Redis reflects all changes, by the database's clock. */
  private cacheValidTo: string | undefined;

  constructor(
    private readonly dataSource: DataSource,
    private readonly denylist: Denylist,
    private readonly config: Config,
    private readonly redis: Redis,
    private readonly cache: CacheInvalidation,
  ) {
    super();
  }

  async onModuleInit(): Promise<void> {
    this.redis.onMessage(CHANNEL, (sessionId) => this.denylist.denySession(sessionId));
    this.redis.onReconnect((run, anew) => this.resyncCache(run, anew));
    await this.redis.start();
  }

  publish(sessionId: string): void {
    this.denylist.denySession(sessionId);
    // The other processes also poll.
    this.redis.publish(CHANNEL, sessionId).catch(() => {});
  }

  poll(): Promise<void> {
    return this.read(this.polledAt);
  }

  resync(): Promise<void> {
    return this.read(undefined);
  }

  private async read(since: string | undefined): Promise<void> {
    const { now, changes } = await this.changes(since, this.config.accessTokenTtlS);
    const unseen = changes.filter(this.isUnseen);
    // The cache first: a session that the denylist refuses must not be refreshed from the cache.
    if (this.redis.up && (await this.invalidateCache(unseen, this.redis.run))) this.cacheValidTo = now;
    this.deny(unseen);
    this.seen = new Map(changes.map(({ id, at }) => [id, at]));
    this.polledAt = now;
  }

  /**
   * Invalidates the cached sessions that changed during an outage of Redis, before this process uses Redis again. `anew`: Redis
   * may have lost older writes as well, such as a replica that takes over from its master.
   */
  private async resyncCache(run: Run, anew: boolean): Promise<void> {
    const { now, changes } = await this.changes(anew ? undefined : this.cacheValidTo, CACHE_TTL_MS / 1000);
    await this.cache.invalidate(changes, run);
    this.deny(changes.filter(this.isUnseen));
    this.cacheValidTo = now;
  }

  /**
   * Reads the changes after `since`, or of the last `maxAgeS`. Times are of the database's clock, which goes on while this
   * machine is suspended.
   */
  private async changes(
    since: string | undefined,
    maxAgeS: number,
  ): Promise<{ now: string; changes: SessionChange[] }> {
    const from = `coalesce($1::timestamptz, now() - make_interval(secs => $2)) - make_interval(secs => ${OVERLAP_S})`;
    const rows = await this.dataSource.query<
      (SessionChange | { kind: 'clock'; at: string; recent: boolean })[]
    >(
      `SELECT 'clock' AS kind, NULL::uuid AS id, now()::text AS at, ${READ_ONLY} AS recent
       UNION ALL
       SELECT CASE WHEN ended_at IS NULL THEN 'changed' ELSE 'ended' END, id, changed_at::text,
         ended_at > now() - make_interval(secs => $3)
       FROM auth.sessions WHERE changed_at > ${from}
       UNION ALL
       SELECT 'account', id, changed_at::text, changed_at > now() - make_interval(secs => $3)
       FROM auth.accounts WHERE changed_at > ${from}`,
      [since ?? null, maxAgeS, this.config.accessTokenTtlS + OVERLAP_S],
    );
    const clock = rows.find(({ kind }) => kind === 'clock');
    // A former primary still answers reads, without the changes since the fail-over.
    if (clock?.recent === true) throw leaveReadOnlyServer(this.dataSource);
    return {
      now: clock?.at ?? '',
      changes: rows.filter((row): row is SessionChange => row.kind !== 'clock'),
    };
  }

  private readonly isUnseen = ({ id, at }: SessionChange): boolean => this.seen.get(id) !== at;

  /** Returns false where Redis fails meanwhile; {@link resyncCache} then covers the same time. */
  private async invalidateCache(changes: readonly SessionChange[], run: Run): Promise<boolean> {
    try {
      await this.cache.invalidate(changes, run);
      return true;
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
      return false;
    }
  }

  private deny(changes: readonly SessionChange[]): void {
    for (const { kind, id, recent } of changes) {
      if (!recent) continue;
      if (kind === 'ended') this.denylist.denySession(id);
      if (kind === 'account') this.denylist.denyTokensIssuedUntilNow(id);
    }
  }
}
