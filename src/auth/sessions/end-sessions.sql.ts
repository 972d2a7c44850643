import { insertAuditEvents } from '../audit/audit-events.sql.js';

/**
 * Statements that end sessions. Together with the reuse of a token in rotation.sql.ts they are all that set `ended_at`.
 * `changed_at` is set with it, because other processes find the rows to revoke by that column.
 */
const END = (reason: string) => `ended_at = now(), changed_at = now(), end_reason = ${reason}`;

/**
 * Returns the CTEs that end living sessions and record audit events. `chosen` is a query for `id` and `reason`. `from` is an
 * expression for the session of the caller, or NULL. The CTE `ended` has `id` and `accountId` of each session. Rows are locked
 * in the order of their ids, so that concurrent statements do not deadlock.
 */
export function endChosen(chosen: string, from: string): string {
  return `
    chosen AS (${chosen}),
    living AS (
      SELECT sessions.id, reason FROM auth.sessions JOIN chosen ON chosen.id = sessions.id
      WHERE ended_at IS NULL ORDER BY sessions.id FOR NO KEY UPDATE OF sessions
    ), ended AS (
      UPDATE auth.sessions SET ${END('reason')}
      FROM living WHERE sessions.id = living.id RETURNING sessions.id, account_id AS "accountId", reason
    ), recorded AS (
      ${insertAuditEvents({
        kind: 'session_ended',
        accountId: '"accountId"',
        sessionId: 'id',
        details: `jsonb_strip_nulls(jsonb_build_object('reason', reason, 'from', ${from}))`,
        from: 'ended',
      })}
    )`;
}

/**
 * Returns the statement that ends the living sessions under a condition. Parameters: $1 for the condition, $2 the reason,
 * $3 the session of the caller or NULL, from $4 on for the condition. Its rows are `id` and `accountId` of each session.
 */
export function endSessions(condition: string): string {
  const chosen = `SELECT id, $2::text AS reason FROM auth.sessions WHERE ended_at IS NULL AND ${condition}`;
  return `WITH ${endChosen(chosen, '$3::uuid')} SELECT id, "accountId" FROM ended`;
}

/**
 * Ends a session after Redis found reuse, unless its row changed since Redis read it. Parameters: $1 the session, $2 the age of
 * that read in ms. Returns one row for a session that ended.
 */
export const END_REUSED = `
  WITH ended AS (
    UPDATE auth.sessions SET ${END("'reused'")}, last_outcome = 'reused'
    WHERE id = $1 AND ended_at IS NULL
      AND coalesce(changed_at < now() - make_interval(secs => $2 / 1000.0), true) RETURNING account_id
  ), recorded AS (
    ${insertAuditEvents({ kind: 'session_reused', accountId: 'account_id', sessionId: '$1::uuid', from: 'ended' })}
  )
  SELECT FROM ended`;

/** Returns the CTEs that end up to `limit` sessions under a condition as `limit_passed`; the last is `changed`, for Batches. */
export function endPassed(condition: string, limit: number): string {
  const chosen = `SELECT id, 'limit_passed' AS reason FROM auth.sessions WHERE ended_at IS NULL AND (${condition})
    LIMIT ${limit} FOR UPDATE SKIP LOCKED`;
  return `WITH ${endChosen(chosen, 'NULL::uuid')}, changed AS (SELECT FROM ended)`;
}
