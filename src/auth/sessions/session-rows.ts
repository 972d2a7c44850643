import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Config } from '../../config/config.js';
import { BATCH, type Batches } from '../../database/batches.js';
import { poolOf } from '../../database/postgres-pool.js';
import { prepared, runPrepared } from '../../database/prepared.js';
import { changedRows } from '../../database/rows.js';
import { rowsHidden } from '../../database/server-session.js';
import { temporarilyUnavailable, type Problem } from '../../problems/problem.js';
import { StoreClock } from '../../concurrency/store-clock.js';
import { insertAuditEvents } from '../audit/audit-events.sql.js';
import { recordAuditEvent } from '../audit/audit-log.js';
import { describeDevice } from './device.js';
import { endChosen, endPassed, endSessions, END_REUSED } from './end-sessions.sql.js';
import { LIVING, LAST_USED } from './living.sql.js';
import { ROTATE } from './rotation.sql.js';
import {
  SessionStore,
  type Ending,
  type NewSession,
  type RotatedSession,
  type SessionFilter,
} from './session-store.js';

/** A living session's row, as far as Redis needs it. Ages and limits in ms. */
export interface SessionRow {
  readonly current: number;
  readonly parent: number;
  readonly oldestValid: number;
  readonly oldestRetry: number;
  readonly rotatedAgo: number;
  readonly issuedAgo: number;
  readonly expiresIn: number;
  readonly accountId: string;
  /** Undefined when the account is disabled. */
  readonly roles?: readonly string[];
}

/** Sessions over the limit that one log-in ends. Where the limit was lowered by more, the next log-ins end the rest. */
const MAX_ENDED = 1_000;

/** Time past a limit until the row of a session ends, too. */
const LIMIT_MARGIN = '1 day';
/** Ended sessions are kept for this long, so that the audit log can explain them. */
const RETENTION = '30 days';

/**
 * Parameters: $1 session id, $2 account, $3 method, $4 client address, $5 device, $6 absolute limit and $7 idle limit in
 * seconds, $8 the sessions that are replaced, $9 how many others may live on. Gives the `id` of each session that ended.
 */
const OPEN = `
  WITH ${endChosen(
    `SELECT id, 'replaced' AS reason FROM unnest($8::uuid[]) AS id
     UNION
     (SELECT id, 'limit_reached' FROM auth.sessions
      WHERE account_id = $2 AND id <> ALL ($8::uuid[]) AND ${LIVING('$7')}
      ORDER BY ${LAST_USED} DESC, id LIMIT ${MAX_ENDED} OFFSET $9)`,
    '$1::uuid',
  )}, opened AS (
    INSERT INTO auth.sessions (id, account_id, method, ip, device, expires_at)
    VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6)) RETURNING id, account_id, method
  ), recorded_opening AS (
    ${insertAuditEvents({
      kind: 'session_opened',
      accountId: 'account_id',
      sessionId: 'id',
      details: "jsonb_build_object('method', method)",
      from: 'opened',
    })}
  )
  SELECT id FROM ended`;

const NOW = '(extract(epoch FROM clock_timestamp()) * 1000)::bigint';

const READ = prepared(
  'read-session',
  `
  SELECT
    current, parent, oldest_valid AS "oldestValid", oldest_retry AS "oldestRetry",
    (${NOW} - rotated_at)::float8 AS "rotatedAgo",
    (${NOW} - greatest(issued_at, extract(epoch FROM created_at) * 1000))::bigint::float8 AS "issuedAgo",
    (extract(epoch FROM expires_at - clock_timestamp()) * 1000)::bigint::float8 AS "expiresIn",
    account_id AS "accountId",
    (SELECT roles FROM auth.accounts WHERE id = account_id AND status = 'active') AS roles
  FROM auth.sessions
  WHERE id = $1 AND ended_at IS NULL AND expires_at > clock_timestamp()`,
);

/** What `PRESENT` answers. */
type RotatedRow = RotatedSession & { readonly roles: string[] | null; readonly time: number };
type NoRow = { readonly [Key in keyof RotatedSession]: null } & { readonly time: number };

/** Nothing was done, and whoever still waits may ask again. */
export function tooLate(): Problem {
  return temporarilyUnavailable('the step of the session would have come too late', undefined);
}

/** Sessions in PostgreSQL: one row each, one statement a step. */
@Injectable()
export class SessionRows extends SessionStore {
  private readonly clock = new StoreClock();

  constructor(
    private readonly dataSource: DataSource,
    private readonly config: Config,
  ) {
    super();
  }

  async open(
    { id, accountId, method, ip, userAgent, replaces = [] }: NewSession,
    db: EntityManager = this.dataSource.manager,
  ): Promise<string[]> {
    const { sessionMax, sessionIdle, sessionLimit } = this.config;
    const rows = await db.query<{ id: string }[]>(OPEN, [
      id,
      accountId,
      method,
      ip ?? null,
      describeDevice(userAgent),
      sessionMax,
      sessionIdle,
      replaces,
      sessionLimit - 1,
    ]);
    return rows.map((row) => row.id);
  }

  async wasReplaced(sessionId: string): Promise<boolean> {
    const rows = await this.dataSource.query<object[]>(
      `SELECT FROM auth.sessions
       WHERE id = $1 AND end_reason = 'replaced' AND ended_at > now() - make_interval(secs => $2)`,
      [sessionId, this.config.refreshGrace],
    );
    return rows.length === 1;
  }

  /** `uncertaintyAge` where the step stands in for Redis: see `rotation.sql.ts`. */
  async rotate(
    sessionId: string,
    generation: number,
    until?: number,
    uncertaintyAge?: number,
  ): Promise<RotatedSession | undefined> {
    const { refreshGrace, sessionIdle } = this.config;
    const latest = until === undefined ? undefined : await this.timeAt(until);
    const [row] = await runPrepared<RotatedRow | NoRow>(this.dataSource, ROTATE, [
      sessionId,
      generation,
      refreshGrace * 1000,
      sessionIdle * 1000,
      uncertaintyAge ?? null,
      latest ?? null,
    ]);
    if (row === undefined) throw new Error('the step of a session answered nothing');
    const { time, ...presented } = row;
    this.clock.synchronize(time);
    if (presented.outcome !== null) {
      if (presented.roles === null) await this.requireVisibleRows();
      return { ...presented, roles: presented.roles ?? undefined };
    }
    if (latest !== undefined && time > latest) throw tooLate();
    await this.requireVisibleRows();
    return undefined;
  }

  async end(sessionId: string, { reason, from }: Ending, owner?: string): Promise<string | undefined> {
    const [row] = await this.dataSource.query<{ accountId: string }[]>(
      endSessions('id = $1 AND ($4::uuid IS NULL OR account_id = $4)'),
      [sessionId, reason, from ?? null, owner ?? null],
    );
    return row?.accountId;
  }

  async endAll(
    db: EntityManager,
    accountId: string,
    { reason, from }: Ending,
    { except, method }: SessionFilter = {},
  ): Promise<string[]> {
    const rows = await db.query<{ id: string }[]>(
      endSessions('account_id = $1 AND id IS DISTINCT FROM $4 AND ($5::text IS NULL OR method = $5)'),
      [accountId, reason, from ?? null, except ?? null, method ?? null],
    );
    return rows.map(({ id }) => id);
  }

  /** There is nothing but the row. */
  async evictEverywhere(): Promise<void> {}

  /** The sessions of these accounts that have not ended. */
  async livingSessionsOf(accountIds: readonly string[]): Promise<string[]> {
    if (accountIds.length === 0) return [];
    const rows = await this.dataSource.query<{ id: string }[]>(
      'SELECT id FROM auth.sessions WHERE account_id = ANY($1) AND ended_at IS NULL',
      [accountIds],
    );
    return rows.map(({ id }) => id);
  }

  /** What the database's clock will show at some moment of ours. Every step tells what it shows; the first has to ask. */
  private async timeAt(moment: number): Promise<number | undefined> {
    if (this.clock.at(moment) === undefined) {
      const [{ now }] = await this.dataSource.query<[{ now: number }]>(`SELECT ${NOW}::float8 AS now`);
      this.clock.synchronize(now);
    }
    return this.clock.at(moment);
  }

  /**
   * Tells a row that a policy hides from a session that has ended. Connections to the server itself need no such check:
   * `row_security` is off there (server-session.ts).
   * @throws `42501`.
   */
  private async requireVisibleRows(): Promise<void> {
    const pool = poolOf(this.dataSource);
    if (pool.session?.direct !== false) return;
    const { rows } = await pool.query<{ hidden: boolean }>(
      "SELECT row_security_active('auth.sessions') OR row_security_active('auth.accounts') AS hidden",
    );
    if (rows[0]?.hidden !== false) throw rowsHidden();
  }

  /** What Redis is to know of a living session. Times as ages in ms: its clock is another. */
  async read(sessionId: string): Promise<SessionRow | undefined> {
    const [row] = await runPrepared<SessionRow & { roles: string[] | null }>(this.dataSource, READ, [
      sessionId,
    ]);
    if (row === undefined || row.roles === null) await this.requireVisibleRows();
    return row && { ...row, roles: row.roles ?? undefined };
  }

  /** Brings the row up to where Redis is; false when the row ended, or is further. */
  async writeBack(
    sessionId: string,
    {
      current,
      parent,
      oldestValid,
      oldestRetry,
      rotatedAgo,
    }: Pick<SessionRow, 'current' | 'parent' | 'oldestValid' | 'oldestRetry' | 'rotatedAgo'>,
  ): Promise<boolean> {
    const saved = await changedRows(
      this.dataSource,
      `UPDATE auth.sessions
       SET current = $2, parent = $3, oldest_valid = $4, oldest_retry = $5, rotated_at = ${NOW} - $6, issued_at = ${NOW}
       WHERE id = $1 AND ended_at IS NULL AND current <= $2`,
      [sessionId, current, parent, oldestValid, oldestRetry, rotatedAgo],
    );
    return saved === 1;
  }

  /** Records a recovery that Redis made without the row. */
  async recordRecovery(sessionId: string, accountId: string): Promise<void> {
    const event = { accountId, sessionId, kind: 'session_recovered' } as const;
    await recordAuditEvent(this.dataSource.manager, event);
  }

  /** Ends a session because Redis found reuse, unless its row was touched since Redis read it, `age` ms ago. */
  async endReused(sessionId: string, age: number): Promise<'ended' | 'already ended' | 'changed'> {
    const ended = await this.dataSource.query<object[]>(END_REUSED, [sessionId, age]);
    if (ended.length === 1) return 'ended';
    return (await this.read(sessionId)) === undefined ? 'already ended' : 'changed';
  }

  /** Ends sessions past a limit. Their rows may be behind Redis by up to an hour, hence {@link LIMIT_MARGIN}. */
  endPassed(batches: Batches): Promise<void> {
    const passed = `expires_at < now() - interval '${LIMIT_MARGIN}'
      OR ${LAST_USED} < now() - make_interval(secs => $1) - interval '${LIMIT_MARGIN}'`;
    return batches.run(endPassed(passed, BATCH), [this.config.sessionIdle]);
  }

  /** Deletes ended sessions past their retention. An unknown session counts as ended. */
  prune(batches: Batches): Promise<void> {
    const old = `changed_at < now() - interval '${RETENTION}' AND ended_at IS NOT NULL`;
    return batches.remove('auth.sessions', old);
  }
}
