import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Denylist } from '../../access/revocations.js';
import { Config } from '../../config/config.js';
import { Redis, RedisUnavailable, type Run } from '../../redis/redis.js';
import { temporarilyUnavailable } from '../../problems/problem.js';
import { SessionRows, tooLate } from './session-rows.js';
import { TOMBSTONE, EVICT, ROTATE_IN_CACHE } from './rotation.lua.js';
import type { RotationOutcome } from './rotation.js';
import { SessionStore, type Ending, type RotatedSession } from './session-store.js';

/** How long (ms) after its last use a copy stays; the row seeds it again. */
export const CACHE_TTL_MS = 24 * 3_600_000;
/** Longer (ms) than any request that may have read the row before it ended. */
const TOMBSTONE_TTL_MS = 60_000;
const WRITE_BACK_INTERVAL_MS = 3_600_000;
/**
 * Longest time (ms) that a refresh from Redis may not have heard what the rows say: an older knowledge is brought up to date
 * first, so that an ending reaches this process also where nobody could tell Redis.
 */
export const MAX_DENYLIST_AGE_MS = 2_000;
/**
 * Time (ms) from an ending whose process does not reach Redis until no other refreshes the session: {@link MAX_DENYLIST_AGE_MS}, and
 * a second for answers under way.
 */
const SETTLE_MS = MAX_DENYLIST_AGE_MS + 1_000;
/** Pause (ms) between two attempts to tell Redis. */
const RETRY_PAUSE_MS = 250;
/** Longest time (ms) for which sessions are refreshed from Redis alone, while the rows cannot be asked what ended. */
export const MAX_ROWS_OUTAGE_MS = 600_000;
/** Rows that are being brought up to date. More than these means that the database is away; another hour will do. */
const MAX_WRITE_BACKS = 100;
/** Recoveries that are being recorded. More than these means that the database is away. */
const MAX_RECORDINGS = 1_000;

/** Corrections that are sent without waiting for one another. */
const PIPELINE_SIZE = 200;

/** Something that a row knows, and copies of it elsewhere may not. */
export interface SessionChange {
  readonly kind: 'ended' | 'changed' | 'account';
  readonly id: string;
  /** Tells one change of a row from the next. */
  readonly at: string;
  /** Whether access tokens from before may still be around. */
  readonly recent: boolean;
}

/** What `PRESENT_HOT` answers: only a status, or a step's outcome, and what belongs in the row when that is due. */
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
 * Sessions in Redis, in front of their rows: a refresh is one script on one key. Redis holds only what may be lost. What
 * it does not know is seeded from the row, and while it is away the step runs on the row.
 */
@Injectable()
export class SessionCache extends SessionStore implements OnApplicationShutdown {
  private readonly logger = new Logger(SessionCache.name);
  private readonly writeBacks = new Set<Promise<void>>();
  private readonly recordings = new Set<Promise<void>>();
  private readonly evictions = new Set<Promise<void>>();

  constructor(
    private readonly redis: Redis,
    private readonly rows: SessionRows,
    private readonly config: Config,
    private readonly denylist: Denylist,
  ) {
    super();
  }

  open(...parameters: Parameters<SessionRows['open']>): Promise<string[]> {
    return this.rows.open(...parameters);
  }

  wasReplaced(sessionId: string): Promise<boolean> {
    return this.rows.wasReplaced(sessionId);
  }

  async rotate(sessionId: string, generation: number, until?: number): Promise<RotatedSession | undefined> {
    if (this.redis.up) {
      try {
        await this.requireFreshDenylist();
        const presented = await this.rotateInCache(sessionId, generation, until);
        // The process may have stood still meanwhile, and the session may have ended.
        await this.requireFreshDenylist();
        return this.denylist.hasSession(sessionId) ? undefined : presented;
      } catch (error) {
        if (!(error instanceof RedisUnavailable)) throw error;
      }
    }
    return this.rows.rotate(sessionId, generation, until, this.redis.uncertaintyAge());
  }

  end(sessionId: string, ending: Ending, owner?: string): Promise<string | undefined> {
    return this.rows.end(sessionId, ending, owner);
  }

  endAll(...parameters: Parameters<SessionRows['endAll']>): Promise<string[]> {
    return this.rows.endAll(...parameters);
  }

  /** Tells Redis; where that cannot be reached, waits until the others must have heard of it from the rows. */
  evictEverywhere(sessionIds: readonly string[]): Promise<void> {
    if (sessionIds.length === 0) return Promise.resolve();
    const forgetting = this.tombstoneEverywhere(sessionIds).finally(() => this.evictions.delete(forgetting));
    this.evictions.add(forgetting);
    return forgetting;
  }

  private async tombstoneEverywhere(sessionIds: readonly string[]): Promise<void> {
    // A process that is alone finds it in the rows before it uses Redis again.
    if (this.config.revocationPoll === 0) return this.tombstoneAll(sessionIds).catch(ignoreUnavailable);
    const settled = new AbortController();
    const heard = sleep(SETTLE_MS, undefined, { signal: settled.signal }).catch(() => {});
    try {
      await Promise.race([this.retryTombstones(sessionIds, settled.signal), heard]);
    } finally {
      settled.abort();
    }
  }

  /**
   * Makes Redis forget what rows have learned without it. An account's change concerns the copies of all its sessions.
   * @throws {RedisUnavailable}
   */
  async invalidate(changes: readonly SessionChange[], run: Run): Promise<void> {
    const accounts = changes.flatMap(({ kind, id }) => (kind === 'account' ? [id] : []));
    const stale = await this.rows.livingSessionsOf(accounts);
    const todo = [
      ...changes
        .filter(({ kind }) => kind === 'ended')
        .map(
          ({ id }) =>
            () =>
              this.tombstone(id, run),
        ),
      ...changes
        .filter(({ kind }) => kind === 'changed')
        .map(
          ({ id }) =>
            () =>
              this.evict(id, run),
        ),
      ...stale.map((id) => () => this.evict(id, run)),
    ];
    await inBatches(todo, (correct) => correct());
  }

  /** The copy does not know what the row says. @throws {RedisUnavailable} */
  async evict(sessionId: string, run: Run = this.redis.run): Promise<void> {
    await run(EVICT, cacheKey(sessionId), []);
  }

  /** The session is over. @throws {RedisUnavailable} */
  async tombstone(sessionId: string, run: Run = this.redis.run): Promise<void> {
    await run(TOMBSTONE, cacheKey(sessionId), [TOMBSTONE_TTL_MS]);
  }

  /** After the last request, and before the database is let go. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.allSettled([...this.writeBacks, ...this.recordings, ...this.evictions]);
  }

  /**
   * Makes sure that this process knows what has ended until {@link MAX_DENYLIST_AGE_MS} ago. Goes on without where asking the rows
   * fails.
   * @throws {Problem} `temporarily_unavailable` while the rows are slow to answer, and after {@link MAX_ROWS_OUTAGE_MS}.
   */
  private async requireFreshDenylist(): Promise<void> {
    const { denylist } = this;
    if (denylist.age <= MAX_DENYLIST_AGE_MS) return;
    await denylist.freshen(MAX_DENYLIST_AGE_MS);
    if (denylist.age <= MAX_DENYLIST_AGE_MS) return;
    if (!denylist.failing)
      throw temporarilyUnavailable('rows_slow: what has ended could not be asked in time', undefined);
    if (denylist.age > MAX_ROWS_OUTAGE_MS)
      throw temporarilyUnavailable('rows_unknown: what has ended could not be asked for too long', undefined);
  }

  /** Marks sessions in Redis as ended, again and again until it has succeeded or is `over`. */
  private async retryTombstones(sessionIds: readonly string[], over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      try {
        await this.redis.reconnect();
        return await this.tombstoneAll(sessionIds);
      } catch (error) {
        ignoreUnavailable(error);
        await sleep(RETRY_PAUSE_MS, undefined, { signal: over }).catch(() => {});
      }
    }
  }

  private tombstoneAll(sessionIds: readonly string[]): Promise<void> {
    return inBatches(sessionIds, (id) => this.tombstone(id));
  }

  private async rotateInCache(
    sessionId: string,
    generation: number,
    until: number | undefined,
  ): Promise<RotatedSession | undefined> {
    const { refreshGrace, sessionIdle } = this.config;
    const save = Math.min(WRITE_BACK_INTERVAL_MS, (sessionIdle * 1000) / 10);
    const latest = until === undefined ? undefined : this.redis.timeAt(until);
    const limits = [
      refreshGrace * 1000,
      sessionIdle * 1000,
      CACHE_TTL_MS,
      save,
      this.redis.uncertaintyAge(),
      latest ?? '',
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
      if (verdict === 'changed') return this.rotateRow(sessionId, generation, until);
      await this.tombstone(sessionId).catch(ignoreUnavailable);
      if (verdict === 'already ended') return undefined;
    }
    if (reply.length === 9) {
      const [, , , , , parent, oldestValid, oldestRetry, rotatedAgo] = reply;
      this.writeBack(sessionId, { current, parent, oldestValid, oldestRetry, rotatedAgo });
    }
    if (outcome === 'recovered') this.recordRecovery(sessionId, accountId);
    return { outcome, generation: current, accountId, roles: parseRoles(roles) };
  }

  /** The row has gone on without Redis: it decides, once, with everything until now in doubt, as for a new copy. */
  private async rotateRow(
    sessionId: string,
    generation: number,
    until: number | undefined,
  ): Promise<RotatedSession | undefined> {
    const uncertaintyAge = Math.min(0, this.redis.uncertaintyAge());
    const presented = await this.rows.rotate(sessionId, generation, until, uncertaintyAge);
    const over = presented === undefined || presented.outcome === 'reused';
    await (over ? this.tombstone(sessionId) : this.evict(sessionId)).catch(ignoreUnavailable);
    return presented;
  }

  private async step(sessionId: string, args: readonly (string | number)[]): Promise<RotationReply> {
    return (await this.redis.run(ROTATE_IN_CACHE, cacheKey(sessionId), args)) as RotationReply;
  }

  /** Brings the row up to date, behind the answer's back; when that fails, the next time does it. */
  private writeBack(sessionId: string, state: Parameters<SessionRows['writeBack']>[1]): void {
    if (this.writeBacks.size >= MAX_WRITE_BACKS) return;
    const saving = this.rows
      .writeBack(sessionId, state)
      .then(async (known) => (known ? undefined : this.evict(sessionId)))
      .catch((error: unknown) => {
        this.logger.warn({ err: error }, `the row of session ${sessionId} could not be brought up to date`);
      })
      .finally(() => this.writeBacks.delete(saving));
    this.writeBacks.add(saving);
  }

  /** Records a recovery in Redis as an audit event after the answer, so that the answer does not need the database. */
  private recordRecovery(sessionId: string, accountId: string): void {
    const lost = (error?: unknown): void =>
      this.logger.error({ err: error, sessionId, accountId }, 'the recovery of a session was not recorded');
    if (this.recordings.size >= MAX_RECORDINGS) return lost();
    const recording = this.rows
      .recordRecovery(sessionId, accountId)
      .catch(lost)
      .finally(() => this.recordings.delete(recording));
    this.recordings.add(recording);
  }
}

async function inBatches<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += PIPELINE_SIZE) {
    await Promise.all(items.slice(at, at + PIPELINE_SIZE).map(work));
  }
}

/** What the row said: a list, or null for an account that may not come in. */
function parseRoles(json: string): readonly string[] | undefined {
  return (JSON.parse(json) as string[] | null) ?? undefined;
}

/** One key, so that it does not matter which node of a cluster has it. */
function cacheKey(sessionId: string): string {
  return `daemun:session:${sessionId}`;
}

function ignoreUnavailable(error: unknown): void {
  if (!(error instanceof RedisUnavailable)) throw error;
}
