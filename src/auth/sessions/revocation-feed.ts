import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Denylist } from '../../access/revocations.js';
import { Config } from '../../config/config.js';
import { Elapsed } from '../../concurrency/elapsed.js';
import { leaveReadOnlyServer } from '../../database/postgres-pool.js';
import { READ_ONLY } from '../../database/server-session.js';
import { Metrics } from '../../observability/metrics.js';
import { Redis, RedisUnavailable, type Run } from '../../redis/redis.js';
import { CACHE_TTL_MS, SessionCache, type SessionChange } from './session-cache.js';

const CHANNEL = 'daemun:ended-sessions';
/** How much later (s) than its own time a change may be seen: transactions take a while, and so do requests. */
const MARGIN = 15;
/** Ms for each second of the poll: the answer is to be there before the guard would have to wait for it. */
const EARLY = 750;

/**
 * Tells this process what other processes ended, and them what this one did. The rows are the truth: every few seconds,
 * and whenever Redis is back, a process asks for those that were touched since. Redis carries the same at once.
 */
@Injectable()
export class RevocationFeed implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(RevocationFeed.name);
  /** Changes that were dealt with, and may be seen again. */
  private seen = new Map<string, string>();
  /** By this machine's clock (ms), for the metric. */
  private caughtUpAt: number | undefined;
  /** Until when, by the database's clock, everything is known here, and in Redis. */
  private knownTo: string | undefined;
  private redisGoodTo: string | undefined;
  private failing = false;
  private timer: NodeJS.Timeout | undefined;
  private underWay: Promise<void> | undefined;

  constructor(
    private readonly dataSource: DataSource,
    private readonly denylist: Denylist,
    private readonly config: Config,
    metrics: Metrics,
    private readonly redis: Redis,
    private readonly cache: SessionCache,
  ) {
    metrics.show(
      'daemun_revocation_staleness_seconds',
      'How long ago everything that other processes ended was known here',
      () => this.staleness(),
    );
    metrics.show(
      'daemun_revocations_held',
      'Ended sessions and changed accounts kept in mind',
      () => denylist.size,
    );
    if (redis.isConfigured)
      metrics.show('daemun_redis_up', 'Whether Redis is in use', () => Number(redis.up));
  }

  async onModuleInit(): Promise<void> {
    const { revocationPoll } = this.config;
    if (revocationPoll > 0) this.denylist.follow(() => this.pollOnce());
    await this.pollOnce();
    this.redis.onMessage(CHANNEL, (sessionId) => this.denylist.denySession(sessionId));
    this.redis.onReconnect((run, anew) => this.resync(run, anew));
    await this.redis.start();
    if (revocationPoll > 0) this.pollLater();
  }

  /** Before the database is let go. */
  async onApplicationShutdown(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    await this.underWay?.catch(() => {});
  }

  /** Tells the others at once, where that is possible; they find it in the row in any case. */
  publish(sessionId: string): void {
    this.denylist.denySession(sessionId);
    this.redis.publish(CHANNEL, sessionId).catch(() => {});
  }

  private staleness(): number {
    if (this.config.revocationPoll === 0 || this.caughtUpAt === undefined) return 0;
    return (Date.now() - this.caughtUpAt) / 1000;
  }

  private async poll(): Promise<void> {
    try {
      await this.pollOnce();
      this.failing = false;
    } catch (error) {
      const level = this.failing ? 'debug' : 'warn';
      this.logger[level]({ err: error }, 'what other processes ended cannot be asked for just now');
      this.failing = true;
    }
    if (this.timer !== undefined) this.pollLater();
  }

  private pollLater(): void {
    this.timer = setTimeout(() => void this.poll(), this.config.revocationPoll * EARLY).unref();
  }

  private pollOnce(): Promise<void> {
    this.underWay ??= this.fetchChanges().finally(() => (this.underWay = undefined));
    return this.underWay;
  }

  private async fetchChanges(): Promise<void> {
    const asked = new Elapsed();
    // At first everything whose access tokens may still be around.
    const { now, changes } = await this.changes(this.knownTo, this.config.accessTokenTtl);
    const fresh = changes.filter(this.isNew);
    if (this.redis.up && (await this.invalidateCache(fresh, this.redis.run))) this.redisGoodTo = now;
    this.deny(fresh);
    this.seen = new Map(changes.map(({ id, at }) => [id, at]));
    [this.knownTo, this.caughtUpAt] = [now, Date.now() - asked.ms];
    // What others end from the question on may be unknown here until then, and no longer.
    this.denylist.caughtUp(1_000 * this.config.revocationPoll - asked.ms, asked);
  }

  /**
   * Redis was away, or we were: what it remembers of rows that were touched meanwhile is not to be believed. One that goes
   * on `anew` may have forgotten what it was told long before, such as a replica that had not heard from its master.
   */
  private async resync(run: Run, anew: boolean): Promise<void> {
    const { now, changes } = await this.changes(anew ? undefined : this.redisGoodTo, CACHE_TTL_MS / 1000);
    await this.cache.invalidate(changes, run);
    this.deny(changes.filter(this.isNew));
    this.redisGoodTo = now;
  }

  /** By the database's clock, which does not stand still while this machine sleeps. `atFirst` in seconds. */
  private async changes(
    since: string | undefined,
    atFirst: number,
  ): Promise<{ now: string; changes: SessionChange[] }> {
    const from = `coalesce($1::timestamptz, now() - make_interval(secs => $2)) - make_interval(secs => ${MARGIN})`;
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
      [since ?? null, atFirst, this.config.accessTokenTtl + MARGIN],
    );
    const clock = rows.find(({ kind }) => kind === 'clock');
    // A former primary goes on answering, and knows nothing of what ended since.
    if (clock?.recent === true) throw leaveReadOnlyServer(this.dataSource);
    return {
      now: clock?.at ?? '',
      changes: rows.filter((row): row is SessionChange => row.kind !== 'clock'),
    };
  }

  private readonly isNew = ({ id, at }: SessionChange): boolean => this.seen.get(id) !== at;

  /** False where Redis went away meanwhile: whoever finds it again makes up for this. */
  private async invalidateCache(changes: readonly SessionChange[], run: Run): Promise<boolean> {
    try {
      await this.cache.invalidate(changes, run);
      return true;
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
      return false;
    }
  }

  /** After Redis has been corrected: so nothing that is given out later is stale. */
  private deny(changes: readonly SessionChange[]): void {
    for (const { kind, id, recent } of changes) {
      if (!recent) continue;
      if (kind === 'ended') this.denylist.denySession(id);
      if (kind === 'account') this.denylist.denyTokensIssuedUntilNow(id);
    }
  }
}
