/**
 * Makes the statement that ends the living sessions under a condition, and records that. Parameters: $1 for the condition,
 * $2 the reason, $3 the session that asks or NULL, from $4 on for the condition. Gives `id` and `accountId` of each.
 */
export function endSessions(condition: string): string {
  return `
    WITH ended AS (
      UPDATE auth.sessions SET ended_at = now(), touched_at = now(), end_reason = $2
      WHERE ended_at IS NULL AND ${condition} RETURNING id, account_id AS "accountId"
    ), recorded AS (
      INSERT INTO auth.audit_events (account_id, session_id, kind, details)
      SELECT "accountId", id, 'session_ended',
        jsonb_strip_nulls(jsonb_build_object('reason', $2::text, 'from', $3::uuid))
      FROM ended
    )
    SELECT id, "accountId" FROM ended`;
}
