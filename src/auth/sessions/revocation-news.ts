import { Injectable, Logger, Optional, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Revocations } from '../../access/revocations.js';
import { Config } from '../../config.js';
import { Metrics } from '../../metrics/metrics.js';
import { Redis, type Run } from '../../redis/redis.js';
import { RedisSessionStore } from './redis-session-store.js';

const CHANNEL = 'daemun:ended-sessions';
/** How much later (s) than its own time a change may be seen: transactions take a while, and so do requests. */
const MARGIN = 15;
/** As long (s) as a copy in Redis may live that nobody has told of a change. */
const COPIES_LIVE = 86_400;

interface Change {
  readonly kind: 'ended' | 'moved' | 'account';
  readonly id: string;
  /** Tells one change of a row from the next. */
  readonly at: string;
}

/**
 * Tells this process what other processes ended, and them what this one did. The rows are the truth: every few seconds,
 * and whenever Redis is back, a process asks for those that were touched since. Redis carries the same at once.
 */
@Injectable()
export class RevocationNews implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(RevocationNews.name);
  /** Changes that were dealt with, and may be seen again. */
  private seen = new Map<string, string>();
  private caughtUpAt: number | undefined;
  private redisGoodAt: number | undefined;
  private timer: NodeJS.Timeout | undefined;
  private underWay: Promise<void> | undefined;

  constructor(
    private readonly dataSource: DataSource,
    private readonly revocations: Revocations,
    private readonly config: Config,
    metrics: Metrics,
    @Optional() private readonly redis?: Redis,
    @Optional() private readonly copies?: RedisSessionStore,
  ) {
    metrics.show(
      'daemun_revocation_staleness_seconds',
      'How long ago everything that other processes ended was known here',
      () => this.staleness(),
    );
    metrics.show(
      'daemun_revocations_held',
      'Ended sessions and changed accounts kept in mind',
      () => revocations.size,
    );
    if (redis) metrics.show('daemun_redis_up', 'Whether Redis is in use', () => Number(redis.up));
  }

  async onModuleInit(): Promise<void> {
    const { revocationPoll } = this.config;
    if (revocationPoll > 0) this.revocations.follow(() => this.catchUp());
    await this.catchUp();
    if (this.redis !== undefined) {
      this.redis.onMessage(CHANNEL, (sessionId) => this.revocations.endSession(sessionId));
      this.redis.onReturn((run) => this.reconcile(run));
      await this.redis.start();
    }
    if (revocationPoll > 0) this.timer = setTimeout(() => void this.poll(), revocationPoll * 1000).unref();
  }

  /** Before the database is let go. */
  async onApplicationShutdown(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    await this.underWay?.catch(() => {});
  }

  /** Tells the others at once, where that is possible; they find it in the row in any case. */
  tell(sessionId: string): void {
    this.revocations.endSession(sessionId);
    this.redis?.publish(CHANNEL, sessionId).catch(() => {});
  }

  private staleness(): number {
    if (this.config.revocationPoll === 0 || this.caughtUpAt === undefined) return 0;
    return (performance.now() - this.caughtUpAt) / 1000;
  }

  private async poll(): Promise<void> {
    await this.catchUp().catch((error: unknown) => {
      this.logger.debug({ err: error }, 'what other processes ended cannot be asked for just now');
    });
    if (this.timer !== undefined)
      this.timer = setTimeout(() => void this.poll(), this.config.revocationPoll * 1000).unref();
  }

  private catchUp(): Promise<void> {
    this.underWay ??= this.ask().finally(() => (this.underWay = undefined));
    return this.underWay;
  }

  private async ask(): Promise<void> {
    const asked = performance.now();
    // At first everything whose access tokens may still be around.
    const since = this.caughtUpAt ?? asked - this.config.accessTokenTtl * 1000;
    const changes = await this.changes((asked - since) / 1000 + MARGIN);
    const isNew = ({ id, at }: Change): boolean => this.seen.get(id) !== at;
    await this.apply(changes.filter(isNew), this.redis?.up === true ? this.redis.run : undefined);
    this.seen = new Map(changes.map(({ id, at }) => [id, at]));
    this.caughtUpAt = asked;
    if (this.redis?.up === true) this.redisGoodAt = asked;
    this.revocations.caughtUp(2_000 * this.config.revocationPoll + 1_000);
  }

  /** Redis was away, or we were: what it remembers of rows that were touched meanwhile is not to be believed. */
  private async reconcile(run: Run): Promise<void> {
    const now = performance.now();
    const away = this.redisGoodAt === undefined ? COPIES_LIVE : (now - this.redisGoodAt) / 1000;
    await this.apply(await this.changes(away + MARGIN), run);
    this.redisGoodAt = now;
  }

  private async changes(seconds: number): Promise<Change[]> {
    return this.dataSource.query<Change[]>(
      `SELECT CASE WHEN ended_at IS NULL THEN 'moved' ELSE 'ended' END AS kind, id, touched_at::text AS at
       FROM auth.sessions WHERE touched_at > now() - make_interval(secs => $1)
       UNION ALL
       SELECT 'account', id, changed_at::text FROM auth.accounts WHERE changed_at > now() - make_interval(secs => $1)`,
      [seconds],
    );
  }

  /** First what Redis would still give out, then what is refused here: so nothing that is given out later is stale. */
  private async apply(changes: readonly Change[], run?: Run): Promise<void> {
    for (const { kind, id } of changes) if (kind === 'ended') this.revocations.endSession(id);
    const accounts = changes.flatMap(({ kind, id }) => (kind === 'account' ? [id] : []));
    if (run !== undefined && this.copies !== undefined) {
      for (const { kind, id } of changes) {
        if (kind === 'ended') await this.copies.bury(id, run);
        if (kind === 'moved') await this.copies.drop(id, run);
      }
      for (const { id } of await this.sessionsOf(accounts)) await this.copies.drop(id, run);
    }
    for (const id of accounts) this.revocations.refuseIssuedUntilNow(id);
  }

  private async sessionsOf(accounts: readonly string[]): Promise<{ id: string }[]> {
    if (accounts.length === 0) return [];
    return this.dataSource.query(
      'SELECT id FROM auth.sessions WHERE account_id = ANY($1) AND ended_at IS NULL',
      [accounts],
    );
  }
}
