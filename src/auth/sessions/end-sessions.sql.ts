/**
 * Makes the CTEs that end living sessions and record that. `chosen` is a query for `id` and `reason`, `from` an expression for
 * the session that asks, or NULL. The CTE `ended` has `id` and `accountId` of each. Rows are locked in the order of their ids,
 * so that statements that end some of the same sessions cannot wait for each other.
 */
export function endChosen(chosen: string, from: string): string {
  return `
    chosen AS (${chosen}),
    living AS (
      SELECT sessions.id, reason FROM auth.sessions JOIN chosen ON chosen.id = sessions.id
      WHERE ended_at IS NULL ORDER BY sessions.id FOR NO KEY UPDATE OF sessions
    ), ended AS (
      UPDATE auth.sessions SET ended_at = now(), changed_at = now(), end_reason = reason
      FROM living WHERE sessions.id = living.id RETURNING sessions.id, account_id AS "accountId", reason
    ), recorded AS (
      INSERT INTO auth.audit_events (account_id, session_id, kind, details)
      SELECT "accountId", id, 'session_ended', jsonb_strip_nulls(jsonb_build_object('reason', reason, 'from', ${from}))
      FROM ended
    )`;
}

/**
 * Makes the statement that ends the living sessions under a condition, and records that. Parameters: $1 for the condition,
 * $2 the reason, $3 the session that asks or NULL, from $4 on for the condition. Gives `id` and `accountId` of each.
 */
export function endSessions(condition: string): string {
  const chosen = `SELECT id, $2::text AS reason FROM auth.sessions WHERE ended_at IS NULL AND ${condition}`;
  return `WITH ${endChosen(chosen, '$3::uuid')} SELECT id, "accountId" FROM ended`;
}
