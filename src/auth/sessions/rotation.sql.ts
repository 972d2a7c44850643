import { prepared } from '../../database/prepared.js';
import { insertAuditEvents } from '../audit/audit-events.sql.js';

/**
 * Step of `rotation.ts` as one statement. It locks the row, decides and writes, so that any number of processes may run it
 * concurrently.
 *
 * Parameters:
 * - $1 session id, $2 presented generation, $3 grace (ms), $4 idle limit (ms);
 * - $5 age (ms) of the end of the uncertainty interval, negative for an end in the future; NULL without an interval;
 * - $6 deadline of the step (ms since 1970, by the database's clock), or NULL.
 *
 * Returns one row. `outcome` is NULL for a session that is unknown, ended, or past a limit, and after the deadline. `time` is the
 * database's clock (ms) after the step, which distinguishes the two. `recovered` and `reused` are recorded as audit events.
 *
 * With $5 the step replaces the step in Redis. It sets `changed_at`, so that the processes evict their copies from Redis.
 *
 * The decision is a sub-select of SET, because PostgreSQL evaluates SET again on the newest version of a row for which the
 * statement had to wait.
 */
export const ROTATE = prepared(
  'rotate-session',
  `
  WITH step AS (
  UPDATE auth.sessions AS s
  SET (current, parent, oldest_valid, oldest_retry, rotated_at, issued_at, ended_at, end_reason, changed_at, last_outcome) = (
    SELECT
      CASE outcome WHEN 'rotated' THEN $2 + 1 WHEN 'recovered' THEN s.current + 1 ELSE s.current END,
      CASE outcome WHEN 'rotated' THEN $2 WHEN 'recovered' THEN greatest(s.parent, $2) ELSE s.parent END,
      CASE
        WHEN outcome = 'rotated' AND NOT issued_within THEN s.parent
        WHEN outcome = 'rotated' AND certain           THEN s.oldest_retry
        ELSE s.oldest_valid
      END,
      CASE
        WHEN outcome = 'rotated' AND (NOT issued_within OR certain) THEN $2
        WHEN outcome = 'rotated'                                    THEN s.oldest_valid
        ELSE s.oldest_retry
      END,
      CASE WHEN outcome IN ('rotated', 'recovered') THEN now ELSE s.rotated_at END,
      CASE outcome WHEN 'reused' THEN s.issued_at ELSE now END,
      CASE outcome WHEN 'reused' THEN to_timestamp(now / 1000.0) END,
      CASE outcome WHEN 'reused' THEN 'reused' END,
      CASE WHEN outcome = 'reused' OR uncertain_until IS NOT NULL THEN to_timestamp(now / 1000.0) ELSE s.changed_at END,
      outcome
    FROM (
      SELECT
        now,
        uncertain_until,
        issued_within,
        certain,
        CASE
          WHEN $2 > s.current                                 THEN 'rotated'
          WHEN $2 = s.current AND rotated_within              THEN 'reissued'
          WHEN $2 = s.current                                 THEN 'rotated'
          WHEN $2 BETWEEN oldest AND newest AND issued_within THEN 'reissued'
          WHEN $2 BETWEEN oldest AND newest                   THEN 'recovered'
          WHEN $2 >= s.oldest_valid AND rotated_within        THEN 'reissued'
          ELSE 'reused'
        END AS outcome
      FROM (
        SELECT
          now,
          uncertain_until,
          CASE WHEN uncertain_until >= s.rotated_at THEN s.oldest_valid ELSE s.oldest_retry END AS oldest,
          CASE WHEN uncertain_until >= s.rotated_at THEN s.current - 1  ELSE s.parent       END AS newest,
          now - greatest(s.issued_at, uncertain_until) <= $3 AS issued_within,
          now - s.rotated_at <= $3 AS rotated_within,
          $2 = s.current AND coalesce(now - uncertain_until > $3, true) AS certain
        FROM (
          SELECT now, now - $5::bigint AS uncertain_until
          FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now) AS clock
        ) AS times
      ) AS facts
    ) AS step
  )
  WHERE s.id = $1
    AND s.ended_at IS NULL
    AND s.expires_at > clock_timestamp()
    AND greatest(s.issued_at, extract(epoch FROM s.created_at) * 1000) + $4 > extract(epoch FROM clock_timestamp()) * 1000
    AND coalesce((extract(epoch FROM clock_timestamp()) * 1000)::float8 <= $6::float8, true)
  RETURNING
    s.current AS generation,
    s.last_outcome AS outcome,
    s.account_id AS "accountId",
    (SELECT roles FROM auth.accounts WHERE id = s.account_id AND status = 'active') AS roles
  ), recorded AS (
  ${insertAuditEvents({
    kind: { column: 'outcome', kinds: { recovered: 'session_recovered', reused: 'session_reused' } },
    accountId: '"accountId"',
    sessionId: '$1::uuid',
    from: "step WHERE outcome IN ('recovered', 'reused')",
  })}
  )
  SELECT step.*, (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS time
  FROM (VALUES (1)) AS always LEFT JOIN step ON true`,
);
