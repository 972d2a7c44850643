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

/** Row of a living session, with the columns of its copy in Redis. Ages and `expiresIn` are in ms. */
interface SessionRow {
  readonly current: number;
  readonly parent: number;
  readonly oldestValid: number;
  readonly oldestRetry: number;
  readonly rotatedAgo: number;
  readonly issuedAgo: number;
  readonly expiresIn: number;
  readonly accountId: string;
  /** Undefined for a disabled account. */
  readonly roles?: readonly string[];
}

/** Sessions over the limit that one login ends. If the limit was lowered by more, the next logins end the others. */
const MAX_ENDED = 1_000;

/** Time from the limit of a session to the end of its row. */
const LIMIT_MARGIN = '1 day';
/** Time for which ended sessions are kept, for the audit log. */
const RETENTION = '30 days';

/**
 * Opens a session. Parameters: $1 session id, $2 account, $3 method, $4 client address, $5 device, $6 absolute limit (s),
 * $7 idle limit (s), $8 the sessions that it replaces, $9 the number of other sessions that stay. Returns the `id` of each
 * session that ended.
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

/** Row of {@link ROTATE} after a step. */
type RotatedRow = RotatedSession & { readonly roles: string[] | null; readonly time: number };
/** Row of {@link ROTATE} if no step was taken. */
type NoStep = { readonly [Key in keyof RotatedSession]: null } & { readonly time: number };

/** Returns the problem of a step after its deadline. The step was not taken, so the client can repeat the request. */
export function tooLate(): Problem {
  return temporarilyUnavailable('the step of a session was refused after its deadline', undefined);
}

/** Sessions in PostgreSQL: one row per session, one statement per step. */
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
    const { sessionMaxS, sessionIdleS, sessionLimit } = this.config;
    const rows = await db.query<{ id: string }[]>(OPEN, [
      id,
      accountId,
      method,
      ip ?? null,
      describeDevice(userAgent),
      sessionMaxS,
      sessionIdleS,
      replaces,
      sessionLimit - 1,
    ]);
    return rows.map((row) => row.id);
  }

  async wasReplaced(sessionId: string): Promise<boolean> {
    const rows = await this.dataSource.query<object[]>(
      `SELECT FROM auth.sessions
       WHERE id = $1 AND end_reason = 'replaced' AND ended_at > now() - make_interval(secs => $2)`,
      [sessionId, this.config.refreshGraceS],
    );
    return rows.length === 1;
  }

  /** @param uncertaintyAge Parameter $5 of rotation.sql.ts, for a step that replaces the step in Redis. */
  async rotate(
    sessionId: string,
    generation: number,
    deadline?: number,
    uncertaintyAge?: number,
  ): Promise<RotatedSession | undefined> {
    const { refreshGraceS, sessionIdleS } = this.config;
    const storeDeadline = deadline === undefined ? undefined : await this.timeAt(deadline);
    const [row] = await runPrepared<RotatedRow | NoStep>(this.dataSource, ROTATE, [
      sessionId,
      generation,
      refreshGraceS * 1000,
      sessionIdleS * 1000,
      uncertaintyAge ?? null,
      storeDeadline ?? null,
    ]);
    if (row === undefined) throw new Error('the step of a session returned no row');
    const { time, ...rotated } = row;
    this.clock.synchronize(time);
    if (rotated.outcome !== null) {
      if (rotated.roles === null) await this.requireVisibleRows();
      return { ...rotated, roles: rotated.roles ?? undefined };
    }
    if (storeDeadline !== undefined && time > storeDeadline) throw tooLate();
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

  /** Does nothing, because there is no copy besides the row. */
  async evictEverywhere(): Promise<void> {}

  /** Returns the ids of the accounts' sessions that have not ended. */
  async livingSessionsOf(accountIds: readonly string[]): Promise<string[]> {
    if (accountIds.length === 0) return [];
    const rows = await this.dataSource.query<{ id: string }[]>(
      'SELECT id FROM auth.sessions WHERE account_id = ANY($1) AND ended_at IS NULL',
      [accountIds],
    );
    return rows.map(({ id }) => id);
  }

  /** Returns the database's time (ms) at a moment of `performance.now()`. Each step returns that clock; the first step queries it. */
  private async timeAt(moment: number): Promise<number | undefined> {
    if (this.clock.at(moment) === undefined) {
      const [{ now }] = await this.dataSource.query<[{ now: number }]>(`SELECT ${NOW}::float8 AS now`);
      this.clock.synchronize(now);
    }
    return this.clock.at(moment);
  }

  /**
   * Throws 42501 if a row-level policy hides rows: a hidden row would look like an ended session. Direct connections to the
   * server need no check, because `row_security` is off there (server-session.ts).
   */
  private async requireVisibleRows(): Promise<void> {
    const pool = poolOf(this.dataSource);
    if (pool.session?.direct !== false) return;
    const { rows } = await pool.query<{ hidden: boolean }>(
      "SELECT row_security_active('auth.sessions') OR row_security_active('auth.accounts') AS hidden",
    );
    if (rows[0]?.hidden !== false) throw rowsHidden();
  }

  /** Returns the row of a living session for its copy in Redis, with ages instead of times because Redis has another clock. */
  async read(sessionId: string): Promise<SessionRow | undefined> {
    const [row] = await runPrepared<SessionRow & { roles: string[] | null }>(this.dataSource, READ, [
      sessionId,
    ]);
    if (row === undefined || row.roles === null) await this.requireVisibleRows();
    return row && { ...row, roles: row.roles ?? undefined };
  }

  /** Updates the row from its copy in Redis. Returns false if the row has ended or has a newer generation. */
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

  /** Records a recovery by a step in Redis as an audit event. */
  async recordRecovery(sessionId: string, accountId: string): Promise<void> {
    const event = { accountId, sessionId, kind: 'session_recovered' } as const;
    await recordAuditEvent(this.dataSource.manager, event);
  }

  /** Ends a session after Redis found reuse, unless its row changed after it was copied to Redis, `ageMs` ago. */
  async endReused(sessionId: string, ageMs: number): Promise<'ended' | 'already ended' | 'changed'> {
    const ended = await this.dataSource.query<object[]>(END_REUSED, [sessionId, ageMs]);
    if (ended.length === 1) return 'ended';
    return (await this.read(sessionId)) === undefined ? 'already ended' : 'changed';
  }

  /** Ends sessions {@link LIMIT_MARGIN} after a limit, because their rows may be up to an hour older than Redis. */
  endPassed(batches: Batches): Promise<void> {
    const passed = `expires_at < now() - interval '${LIMIT_MARGIN}'
      OR ${LAST_USED} < now() - make_interval(secs => $1) - interval '${LIMIT_MARGIN}'`;
    return batches.run(endPassed(passed, BATCH), [this.config.sessionIdleS]);
  }

  /** Deletes ended sessions past their retention. An unknown session counts as ended. */
  prune(batches: Batches): Promise<void> {
    const old = `changed_at < now() - interval '${RETENTION}' AND ended_at IS NOT NULL`;
    return batches.remove('auth.sessions', old);
  }
}
