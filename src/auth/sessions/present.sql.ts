import { prepared } from '../../database/prepared.js';

/**
 * The step of `rotation.ts` as one statement: it locks the row, decides, and writes, so that any number of processes may
 * run it at once. Parameters: $1 session id, $2 the presented generation, $3 the grace and $4 the idle limit in ms, $5 how
 * long ago the doubt ends in ms (in the future: negative), or NULL where there is none, $6 until when by the database's clock
 * (ms) the step may be taken, or NULL. A step in doubt stands in for the Redis form, which has to hear of it: that is what
 * `touched_at` is for. The answer is NULL when the session is unknown, ended, or past a limit, or when it is too late; `time`
 * is the database's clock afterwards, which tells the two apart. `recovered` and `reused` are recorded as audit events.
 *
 * The decision stands in a sub-select of SET, because PostgreSQL evaluates that part again on the newest version of a
 * row for which it had to wait.
 */
export const PRESENT = prepared(
  'present-refresh-token',
  `
  WITH step AS (
  UPDATE auth.sessions AS s
  SET (current, parent, floor, late, moved_at, handed_at, ended_at, end_reason, touched_at, last_answer) = (
    SELECT
      CASE answer WHEN 'rotated' THEN $2 + 1 WHEN 'recovered' THEN s.current + 1             ELSE s.current  END,
      CASE answer WHEN 'rotated' THEN $2     WHEN 'recovered' THEN greatest(s.parent, $2)    ELSE s.parent   END,
      CASE
        WHEN answer = 'rotated' AND NOT handed_within THEN s.parent
        WHEN answer = 'rotated' AND certain           THEN s.late                            ELSE s.floor    END,
      CASE
        WHEN answer = 'rotated' AND (NOT handed_within OR certain) THEN $2
        WHEN answer = 'rotated'                                    THEN s.floor              ELSE s.late     END,
      CASE WHEN answer IN ('rotated', 'recovered') THEN now                                  ELSE s.moved_at END,
      CASE answer WHEN 'reused' THEN s.handed_at                                             ELSE now        END,
      CASE answer WHEN 'reused' THEN to_timestamp(now / 1000.0)                                              END,
      CASE answer WHEN 'reused' THEN 'reused'                                                                END,
      CASE WHEN answer = 'reused' OR doubt IS NOT NULL THEN to_timestamp(now / 1000.0)       ELSE s.touched_at END,
      answer
    FROM (
      SELECT
        now,
        doubt,
        handed_within,
        certain,
        CASE
          WHEN $2 > s.current                                 THEN 'rotated'
          WHEN $2 = s.current AND moved_within                THEN 'replayed'
          WHEN $2 = s.current                                 THEN 'rotated'
          WHEN $2 BETWEEN oldest AND newest AND handed_within THEN 'replayed'
          WHEN $2 BETWEEN oldest AND newest                   THEN 'recovered'
          WHEN $2 >= s.floor AND moved_within                 THEN 'replayed'
          ELSE                                                     'reused'
        END AS answer
      FROM (
        SELECT
          now,
          doubt,
          CASE WHEN doubt >= s.moved_at THEN s.floor       ELSE s.late   END AS oldest,
          CASE WHEN doubt >= s.moved_at THEN s.current - 1 ELSE s.parent END AS newest,
          now - greatest(s.handed_at, doubt) <= $3 AS handed_within,
          now - s.moved_at <= $3 AS moved_within,
          $2 = s.current AND coalesce(now - doubt > $3, true) AS certain
        FROM (
          SELECT now, now - $5::bigint AS doubt
          FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now) AS clock
        ) AS times
      ) AS facts
    ) AS step
  )
  WHERE s.id = $1
    AND s.ended_at IS NULL
    AND s.expires_at > clock_timestamp()
    AND greatest(s.handed_at, extract(epoch FROM s.created_at) * 1000) + $4 > extract(epoch FROM clock_timestamp()) * 1000
    AND coalesce((extract(epoch FROM clock_timestamp()) * 1000)::float8 <= $6::float8, true)
  RETURNING
    s.current AS generation,
    s.last_answer AS answer,
    s.account_id AS "accountId",
    (SELECT roles FROM auth.accounts WHERE id = s.account_id AND status = 'active') AS roles
  ), recorded AS (
  INSERT INTO auth.audit_events (account_id, session_id, kind)
  SELECT "accountId", $1, 'session_' || answer FROM step WHERE answer IN ('recovered', 'reused')
  )
  SELECT step.*, (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS time
  FROM (VALUES (1)) AS always LEFT JOIN step ON true`,
);
