import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Config } from '../../config.js';
import { Redis, RedisAway, type Run } from '../../redis/redis.js';
import { PostgresSessionStore, tooLate } from './postgres-session-store.js';
import { BURY, DROP, PRESENT_HOT } from './present.lua.js';
import type { Answer } from './rotation.js';
import { SessionStore, type Ending, type Presented } from './session-store.js';

/** How long (ms) after its last use a copy stays; the row seeds it again. */
export const KEEP = 24 * 3_600_000;
/** Longer (ms) than any request that may have read the row before it ended. */
const BURIED = 60_000;
const HOURLY = 3_600_000;
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

  constructor(
    private readonly redis: Redis,
    private readonly rows: PostgresSessionStore,
    private readonly config: Config,
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
        return await this.presentHot(sessionId, generation, until);
      } catch (error) {
        if (!(error instanceof RedisAway)) throw error;
      }
    }
    return this.rows.present(sessionId, generation, until, this.redis.doubtAge());
  }

  async end(sessionId: string, ending: Ending, owner?: string): Promise<string | undefined> {
    const ended = await this.rows.end(sessionId, ending, owner);
    await this.forget(sessionId);
    return ended;
  }

  endAll(...parameters: Parameters<PostgresSessionStore['endAll']>): Promise<string[]> {
    return this.rows.endAll(...parameters);
  }

  async forget(sessionId: string): Promise<void> {
    // Where Redis is away, whoever next reaches it hears of this from the row.
    await this.bury(sessionId).catch(ignoreAway);
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
    for (let at = 0; at < todo.length; at += AT_ONCE) {
      await Promise.all(todo.slice(at, at + AT_ONCE).map((correct) => correct()));
    }
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
    await Promise.all([...this.saving, ...this.recording]);
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
