import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Revocations } from '../../access/revocations.js';
import { Config } from '../../config.js';
import { Redis, RedisAway, type Run } from '../../redis/redis.js';
import { temporarilyUnavailable } from '../../problems/problem.js';
import { PostgresSessionStore, tooLate } from './postgres-session-store.js';
import { BURY, DROP, PRESENT_HOT } from './present.lua.js';
import type { Answer } from './rotation.js';
import { SessionStore, type Ending, type Presented } from './session-store.js';

/** How long (ms) after its last use a copy stays; the row seeds it again. */
export const KEEP = 24 * 3_600_000;
/** Longer (ms) than any request that may have read the row before it ended. */
const BURIED = 60_000;
const HOURLY = 3_600_000;
/**
 * Longest time (ms) that a refresh from Redis may not have heard what the rows say: an older knowledge is brought up to date
 * first, so that an ending reaches this process also where nobody could tell Redis.
 */
export const HEARD_WITHIN_MS = 2_000;
/**
 * Time (ms) from an ending whose process does not reach Redis until no other refreshes the session: {@link HEARD_WITHIN_MS}, and
 * a second for answers under way.
 */
const SETTLE_MS = HEARD_WITHIN_MS + 1_000;
/** Pause (ms) between two attempts to tell Redis. */
const TELL_AGAIN_MS = 250;
/** Longest time (ms) for which sessions are refreshed from Redis alone, while the rows cannot be asked what ended. */
export const LONGEST_WITHOUT_ROWS_MS = 600_000;
/** Rows that are being brought up to date. More than these means that the database is away; another hour will do. */
const MOST_SAVING = 100;
/** Recoveries that are being recorded. More than these means that the database is away. */
const MOST_RECORDING = 1_000;

/** Corrections that are sent without waiting for one another. */
const AT_ONCE = 200;

/** Something that a row knows, and copies of it elsewhere may not. */
export interface Change {
  readonly kind: 'ended' | 'moved' | 'account';
  readonly id: string;
  /** Tells one change of a row from the next. */
  readonly at: string;
  /** Whether access tokens from before may still be around. */
  readonly recent: boolean;
}

/** What `PRESENT_HOT` answers: only a status, or a step's outcome, and what belongs in the row when that is due. */
type HotReply =
  | ['late' | 'unknown' | 'ended']
  | [Answer, generation: number, accountId: string, roles: string, age: number]
  | [
      Answer,
      generation: number,
      accountId: string,
      roles: string,
      age: number,
      parent: number,
      floor: number,
      late: number,
      movedAge: number,
    ];

/**
 * Sessions in Redis, in front of their rows: a refresh is one script on one key. Redis holds only what may be lost. What
 * it does not know is seeded from the row, and while it is away the step runs on the row.
 */
@Injectable()
export class RedisSessionStore extends SessionStore implements OnApplicationShutdown {
  private readonly logger = new Logger(RedisSessionStore.name);
  private readonly saving = new Set<Promise<void>>();
  private readonly recording = new Set<Promise<void>>();
  private readonly forgetting = new Set<Promise<void>>();

  constructor(
    private readonly redis: Redis,
    private readonly rows: PostgresSessionStore,
    private readonly config: Config,
    private readonly revocations: Revocations,
  ) {
    super();
  }

  open(...parameters: Parameters<PostgresSessionStore['open']>): Promise<string[]> {
    return this.rows.open(...parameters);
  }

  wasReplaced(sessionId: string): Promise<boolean> {
    return this.rows.wasReplaced(sessionId);
  }

  async present(sessionId: string, generation: number, until?: number): Promise<Presented | undefined> {
    if (this.redis.up) {
      try {
        await this.requireNews();
        const presented = await this.presentHot(sessionId, generation, until);
        // The process may have stood still meanwhile, and the session may have ended.
        await this.requireNews();
        return this.revocations.hasEnded(sessionId) ? undefined : presented;
      } catch (error) {
        if (!(error instanceof RedisAway)) throw error;
      }
    }
    return this.rows.present(sessionId, generation, until, this.redis.doubtAge());
  }

  end(sessionId: string, ending: Ending, owner?: string): Promise<string | undefined> {
    return this.rows.end(sessionId, ending, owner);
  }

  endAll(...parameters: Parameters<PostgresSessionStore['endAll']>): Promise<string[]> {
    return this.rows.endAll(...parameters);
  }

  /** Tells Redis; where that cannot be reached, waits until the others must have heard of it from the rows. */
  forget(sessionIds: readonly string[]): Promise<void> {
    if (sessionIds.length === 0) return Promise.resolve();
    const forgetting = this.forgetEverywhere(sessionIds).finally(() => this.forgetting.delete(forgetting));
    this.forgetting.add(forgetting);
    return forgetting;
  }

  private async forgetEverywhere(sessionIds: readonly string[]): Promise<void> {
    // A process that is alone finds it in the rows before it uses Redis again.
    if (this.config.revocationPoll === 0) return this.buryAll(sessionIds).catch(ignoreAway);
    const settled = new AbortController();
    const heard = sleep(SETTLE_MS, undefined, { signal: settled.signal }).catch(() => {});
    try {
      await Promise.race([this.tellRedis(sessionIds, settled.signal), heard]);
    } finally {
      settled.abort();
    }
  }

  /**
   * Makes Redis forget what rows have learned without it. An account's change concerns the copies of all its sessions.
   * @throws {RedisAway}
   */
  async believe(changes: readonly Change[], run: Run): Promise<void> {
    const accounts = changes.flatMap(({ kind, id }) => (kind === 'account' ? [id] : []));
    const stale = await this.rows.livingSessionsOf(accounts);
    const todo = [
      ...changes
        .filter(({ kind }) => kind === 'ended')
        .map(
          ({ id }) =>
            () =>
              this.bury(id, run),
        ),
      ...changes
        .filter(({ kind }) => kind === 'moved')
        .map(
          ({ id }) =>
            () =>
              this.drop(id, run),
        ),
      ...stale.map((id) => () => this.drop(id, run)),
    ];
    await inBatches(todo, (correct) => correct());
  }

  /** The copy does not know what the row says. @throws {RedisAway} */
  async drop(sessionId: string, run: Run = this.redis.run): Promise<void> {
    await run(DROP, keyOf(sessionId), []);
  }

  /** The session is over. @throws {RedisAway} */
  async bury(sessionId: string, run: Run = this.redis.run): Promise<void> {
    await run(BURY, keyOf(sessionId), [BURIED]);
  }

  /** After the last request, and before the database is let go. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.allSettled([...this.saving, ...this.recording, ...this.forgetting]);
  }

  /**
   * Makes sure that this process knows what has ended until {@link HEARD_WITHIN_MS} ago. Goes on without where asking the rows
   * fails.
   * @throws {Problem} `temporarily_unavailable` while the rows are slow to answer, and after {@link LONGEST_WITHOUT_ROWS_MS}.
   */
  private async requireNews(): Promise<void> {
    const { revocations } = this;
    if (revocations.age <= HEARD_WITHIN_MS) return;
    await revocations.freshen(HEARD_WITHIN_MS);
    if (revocations.age <= HEARD_WITHIN_MS) return;
    if (!revocations.failing)
      throw temporarilyUnavailable('rows_slow: what has ended could not be asked in time', undefined);
    if (revocations.age > LONGEST_WITHOUT_ROWS_MS)
      throw temporarilyUnavailable('rows_unknown: what has ended could not be asked for too long', undefined);
  }

  /** Marks sessions in Redis as ended, again and again until it has succeeded or is `over`. */
  private async tellRedis(sessionIds: readonly string[], over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      try {
        await this.redis.renew();
        return await this.buryAll(sessionIds);
      } catch (error) {
        ignoreAway(error);
        await sleep(TELL_AGAIN_MS, undefined, { signal: over }).catch(() => {});
      }
    }
  }

  private buryAll(sessionIds: readonly string[]): Promise<void> {
    return inBatches(sessionIds, (id) => this.bury(id));
  }

  private async presentHot(
    sessionId: string,
    generation: number,
    until: number | undefined,
  ): Promise<Presented | undefined> {
    const { refreshGrace, sessionIdle } = this.config;
    const save = Math.min(HOURLY, (sessionIdle * 1000) / 10);
    const latest = until === undefined ? undefined : this.redis.timeAt(until);
    const limits = [refreshGrace * 1000, sessionIdle * 1000, KEEP, save, this.redis.doubtAge(), latest ?? ''];
    let reply = await this.step(sessionId, [generation, ...limits]);
    if (reply[0] === 'unknown') {
      const row = await this.rows.read(sessionId);
      if (row === undefined) return undefined;
      const { current, parent, floor, late, movedAge, handedAge, expiresIn, accountId, roles } = row;
      const seed = [
        current,
        parent,
        floor,
        late,
        movedAge,
        handedAge,
        expiresIn,
        accountId,
        JSON.stringify(roles ?? null),
      ];
      reply = await this.step(sessionId, [generation, ...limits, ...seed]);
    }
    if (reply[0] === 'late') throw tooLate();
    if (reply.length === 1) return undefined;
    const [answer, current, accountId, roles, age] = reply;
    if (answer === 'reused') {
      const verdict = await this.rows.endReused(sessionId, age);
      if (verdict === 'moved') return this.presentToRow(sessionId, generation, until);
      await this.bury(sessionId).catch(ignoreAway);
      if (verdict === 'already ended') return undefined;
    }
    if (reply.length === 9) {
      const [, , , , , parent, floor, late, movedAge] = reply;
      this.save(sessionId, { current, parent, floor, late, movedAge });
    }
    if (answer === 'recovered') this.recordRecovery(sessionId, accountId);
    return { answer, generation: current, accountId, roles: readRoles(roles) };
  }

  /** The row has gone on without Redis: it decides, once, with everything until now in doubt, as for a new copy. */
  private async presentToRow(
    sessionId: string,
    generation: number,
    until: number | undefined,
  ): Promise<Presented | undefined> {
    const doubtAge = Math.min(0, this.redis.doubtAge());
    const presented = await this.rows.present(sessionId, generation, until, doubtAge);
    const over = presented === undefined || presented.answer === 'reused';
    await (over ? this.bury(sessionId) : this.drop(sessionId)).catch(ignoreAway);
    return presented;
  }

  private async step(sessionId: string, args: readonly (string | number)[]): Promise<HotReply> {
    return (await this.redis.run(PRESENT_HOT, keyOf(sessionId), args)) as HotReply;
  }

  /** Brings the row up to date, behind the answer's back; when that fails, the next time does it. */
  private save(sessionId: string, state: Parameters<PostgresSessionStore['save']>[1]): void {
    if (this.saving.size >= MOST_SAVING) return;
    const saving = this.rows
      .save(sessionId, state)
      .then(async (known) => (known ? undefined : this.drop(sessionId)))
      .catch((error: unknown) => {
        this.logger.warn({ err: error }, `the row of session ${sessionId} could not be brought up to date`);
      })
      .finally(() => this.saving.delete(saving));
    this.saving.add(saving);
  }

  /** Records a recovery in Redis as an audit event after the answer, so that the answer does not need the database. */
  private recordRecovery(sessionId: string, accountId: string): void {
    const lost = (error?: unknown): void =>
      this.logger.error({ err: error, sessionId, accountId }, 'the recovery of a session was not recorded');
    if (this.recording.size >= MOST_RECORDING) return lost();
    const recording = this.rows
      .recordRecovery(sessionId, accountId)
      .catch(lost)
      .finally(() => this.recording.delete(recording));
    this.recording.add(recording);
  }
}

async function inBatches<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += AT_ONCE) {
    await Promise.all(items.slice(at, at + AT_ONCE).map(work));
  }
}

/** What the row said: a list, or null for an account that may not come in. */
function readRoles(json: string): readonly string[] | undefined {
  return (JSON.parse(json) as string[] | null) ?? undefined;
}

/** One key, so that it does not matter which node of a cluster has it. */
function keyOf(sessionId: string): string {
  return `daemun:session:${sessionId}`;
}

function ignoreAway(error: unknown): void {
  if (!(error instanceof RedisAway)) throw error;
}
