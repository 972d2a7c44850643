import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Denylist } from '../../access/denylist.js';
import { RevocationCheck } from '../../access/revocation-check.js';
import { PendingWork } from '../../concurrency/pending-work.js';
import { within } from '../../concurrency/within.js';
import { Config } from '../../config/config.js';
import { Redis, RedisUnavailable } from '../../redis/redis.js';
import { CACHE_TTL_MS, CacheInvalidation, cacheKey } from './cache-invalidation.js';
import { SessionRows, tooLate } from './session-rows.js';
import { ROTATE_IN_CACHE } from './rotation.lua.js';
import type { RotationOutcome } from './rotation.js';
import { SessionStore, type Ending, type RotatedSession } from './session-store.js';

/** Pause between two updates of a row from the cache, unless a tenth of the idle limit is shorter. */
const WRITE_BACK_INTERVAL_MS = 3_600_000;
/** Greatest age of the denylist at a refresh from Redis: an older one is polled first, since Redis may lack an end of a session. */
const MAX_DENYLIST_AGE_MS = 2_000;
/** Longest time for which sessions are refreshed from Redis alone, while polls of the rows fail. */
export const MAX_ROWS_OUTAGE_MS = 600_000;
const FRESHNESS = { maxAgeMs: MAX_DENYLIST_AGE_MS, maxOutageMs: MAX_ROWS_OUTAGE_MS } as const;
/**
 * Time from the end of a session, in a process that does not reach Redis, until no other process refreshes it:
 * {@link MAX_DENYLIST_AGE_MS}, and a second for responses under way.
 */
const SETTLE_MS = MAX_DENYLIST_AGE_MS + 1_000;
/** Pause between two attempts to write tombstones. */
const RETRY_PAUSE_MS = 250;
/** Updates of rows under way. More show that the database is unavailable; the next update follows in an hour. */
const MAX_WRITE_BACKS = 100;
/** Audit events of recoveries under way. More show that the database is unavailable. */
const MAX_RECORDINGS = 1_000;

/** Reply of `ROTATE_IN_CACHE`: a status, or the outcome of a rotation; with the columns of the row where a write-back is due. */
type RotationReply =
  | ['late' | 'unknown' | 'ended']
  | [RotationOutcome, generation: number, accountId: string, roles: string, age: number]
  | [
      RotationOutcome,
      generation: number,
      accountId: string,
      roles: string,
      age: number,
      parent: number,
      oldestValid: number,
      oldestRetry: number,
      rotatedAgo: number,
    ];

/**
 * Write-behind cache of sessions in Redis, in front of their rows: a rotation is one script on one key. Redis contains only
 * state that may be lost. The row seeds a missing entry, and rotates the session while Redis is unavailable.
 */
@Injectable()
export class SessionCache extends SessionStore implements OnApplicationShutdown {
  private readonly logger = new Logger(SessionCache.name);
  private readonly writeBacks = new PendingWork(MAX_WRITE_BACKS);
  private readonly recordings = new PendingWork(MAX_RECORDINGS);
  private readonly evictions = new PendingWork();

  constructor(
    private readonly redis: Redis,
    private readonly rows: SessionRows,
    private readonly config: Config,
    private readonly denylist: Denylist,
    private readonly revocations: RevocationCheck,
    private readonly invalidation: CacheInvalidation,
  ) {
    super();
  }

  open(...parameters: Parameters<SessionRows['open']>): Promise<string[]> {
    return this.rows.open(...parameters);
  }

  wasReplaced(sessionId: string): Promise<boolean> {
    return this.rows.wasReplaced(sessionId);
  }

  async rotate(
    sessionId: string,
    generation: number,
    deadline?: number,
  ): Promise<RotatedSession | undefined> {
    if (this.redis.up) {
      try {
        await this.revocations.requireFresh(FRESHNESS);
        const rotated = await this.rotateInCache(sessionId, generation, deadline);
        // The session may have ended during a suspension of this process.
        await this.revocations.requireFresh(FRESHNESS);
        return this.denylist.hasSession(sessionId) ? undefined : rotated;
      } catch (error) {
        if (!(error instanceof RedisUnavailable)) throw error;
      }
    }
    return this.rows.rotate(sessionId, generation, deadline, this.redis.uncertaintyAge());
  }

  end(sessionId: string, ending: Ending, owner?: string): Promise<string | undefined> {
    return this.rows.end(sessionId, ending, owner);
  }

  endAll(...parameters: Parameters<SessionRows['endAll']>): Promise<string[]> {
    return this.rows.endAll(...parameters);
  }

  /** Writes tombstones; where Redis cannot be reached, waits until the other processes have polled the rows. */
  async evictEverywhere(sessionIds: readonly string[]): Promise<void> {
    if (sessionIds.length === 0) return;
    const eviction = this.tombstoneEverywhere(sessionIds);
    void this.evictions.add(() => eviction);
    await eviction;
  }

  private async tombstoneEverywhere(sessionIds: readonly string[]): Promise<void> {
    // Without other processes this one resyncs the cache before it uses Redis again.
    if (this.config.revocationPollS === 0)
      return this.invalidation.tombstoneAll(sessionIds).catch(ignoreUnavailable);
    const settled = new AbortController();
    try {
      await within(this.retryTombstones(sessionIds, settled.signal), SETTLE_MS);
    } finally {
      settled.abort();
    }
  }

  /** Runs after the last request, and before the database closes. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.writeBacks, this.recordings, this.evictions].map((work) => work.drain()));
  }

  /** Writes tombstones, with retries until that succeeds or `signal` aborts. */
  private async retryTombstones(sessionIds: readonly string[], signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.redis.reconnect();
        return await this.invalidation.tombstoneAll(sessionIds);
      } catch (error) {
        ignoreUnavailable(error);
        await sleep(RETRY_PAUSE_MS, undefined, { signal }).catch(() => {});
      }
    }
  }

  private async rotateInCache(
    sessionId: string,
    generation: number,
    deadline: number | undefined,
  ): Promise<RotatedSession | undefined> {
    const { refreshGraceS, sessionIdleS } = this.config;
    const save = Math.min(WRITE_BACK_INTERVAL_MS, (sessionIdleS * 1000) / 10);
    const storeDeadline = deadline === undefined ? undefined : this.redis.timeAt(deadline);
    const limits = [
      refreshGraceS * 1000,
      sessionIdleS * 1000,
      CACHE_TTL_MS,
      save,
      this.redis.uncertaintyAge(),
      storeDeadline ?? '',
    ];
    let reply = await this.step(sessionId, [generation, ...limits]);
    if (reply[0] === 'unknown') {
      const row = await this.rows.read(sessionId);
      if (row === undefined) return undefined;
      const {
        current,
        parent,
        oldestValid,
        oldestRetry,
        rotatedAgo,
        issuedAgo,
        expiresIn,
        accountId,
        roles,
      } = row;
      const seed = [
        current,
        parent,
        oldestValid,
        oldestRetry,
        rotatedAgo,
        issuedAgo,
        expiresIn,
        accountId,
        JSON.stringify(roles ?? null),
      ];
      reply = await this.step(sessionId, [generation, ...limits, ...seed]);
    }
    if (reply[0] === 'late') throw tooLate();
    if (reply.length === 1) return undefined;
    const [outcome, current, accountId, roles, age] = reply;
    if (outcome === 'reused') {
      const verdict = await this.rows.endReused(sessionId, age);
      if (verdict === 'changed') return this.rotateRow(sessionId, generation, deadline);
      await this.invalidation.tombstone(sessionId).catch(ignoreUnavailable);
      if (verdict === 'already ended') return undefined;
    }
    if (reply.length === 9) {
      const [, , , , , parent, oldestValid, oldestRetry, rotatedAgo] = reply;
      this.writeBack(sessionId, { current, parent, oldestValid, oldestRetry, rotatedAgo });
    }
    if (outcome === 'recovered') this.recordRecovery(sessionId, accountId);
    return { outcome, generation: current, accountId, roles: parseRoles(roles) };
  }

  /** Rotates on the row, which changed without Redis: everything until now is uncertain, as for a new cache entry. */
  private async rotateRow(
    sessionId: string,
    generation: number,
    deadline: number | undefined,
  ): Promise<RotatedSession | undefined> {
    const uncertaintyAge = Math.min(0, this.redis.uncertaintyAge());
    const rotated = await this.rows.rotate(sessionId, generation, deadline, uncertaintyAge);
    const ended = rotated === undefined || rotated.outcome === 'reused';
    await (ended ? this.invalidation.tombstone(sessionId) : this.invalidation.evict(sessionId)).catch(
      ignoreUnavailable,
    );
    return rotated;
  }

  private async step(sessionId: string, args: readonly (string | number)[]): Promise<RotationReply> {
    return (await this.redis.run(ROTATE_IN_CACHE, cacheKey(sessionId), args)) as RotationReply;
  }

  /** Updates the row after the response. After a failure the next update covers the same state. */
  private writeBack(sessionId: string, state: Parameters<SessionRows['writeBack']>[1]): void {
    void this.writeBacks.add(async () => {
      try {
        if (!(await this.rows.writeBack(sessionId, state))) await this.invalidation.evict(sessionId);
      } catch (error) {
        this.logger.warn({ err: error, sessionId }, 'the row of a session could not be updated');
      }
    });
  }

  /** Records a recovery as an audit event after the response, so that the response does not need the database. */
  private recordRecovery(sessionId: string, accountId: string): void {
    const lost = (error?: unknown): void =>
      this.logger.error({ err: error, sessionId, accountId }, 'the recovery of a session was not recorded');
    const recording = this.recordings.add(() => this.rows.recordRecovery(sessionId, accountId).catch(lost));
    if (recording === undefined) lost();
  }
}

/** Parses the roles of a cache entry: a list, or null for a disabled account. */
function parseRoles(json: string): readonly string[] | undefined {
  return (JSON.parse(json) as string[] | null) ?? undefined;
}

function ignoreUnavailable(error: unknown): void {
  if (!(error instanceof RedisUnavailable)) throw error;
}
