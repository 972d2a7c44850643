import type { Prepared } from '../../database/prepared.js';

/**
 * The step of `rotation.ts` as one statement: it locks the row, decides, and writes, so that any number of processes may
 * run it at once. Parameters: $1 session id, $2 the presented generation, $3 the grace and $4 the idle limit in ms.
 * No row comes back when the session is unknown, ended, or past a limit.
 *
 * The decision stands in a sub-select of SET, because PostgreSQL evaluates that part again on the newest version of a
 * row for which it had to wait.
 */
export const PRESENT: Prepared = {
  name: 'present-refresh-token',
  text: `
  UPDATE auth.sessions AS s
  SET (current, parent, floor, next, moved_at, handed_at, ended_at, end_reason, last_answer) = (
    SELECT
      CASE WHEN ahead THEN $2 + 1  WHEN moves THEN s.next   ELSE s.current END,
      CASE WHEN buys  THEN $2                               ELSE s.parent  END,
      CASE WHEN buys  THEN s.parent                         ELSE s.floor   END,
      CASE WHEN ahead THEN $2 + 2  WHEN moves THEN s.next + 1 ELSE s.next  END,
      CASE WHEN moves THEN now                              ELSE s.moved_at END,
      CASE WHEN answer = 'reused' THEN s.handed_at          ELSE now       END,
      CASE WHEN answer = 'reused' THEN to_timestamp(now / 1000.0)          END,
      CASE WHEN answer = 'reused' THEN 'reused'                            END,
      answer
    FROM (
      SELECT
        now,
        answer,
        answer IN ('rotated', 'recovered') AS moves,
        answer = 'rotated' AS buys,
        $2 >= s.next AS ahead
      FROM (
        SELECT
          now,
          CASE
            WHEN $2 >= s.next                                                     THEN 'rotated'
            WHEN $2 = s.current AND now - s.moved_at > $3                         THEN 'rotated'
            WHEN $2 = s.current                                                   THEN 'replayed'
            WHEN $2 = s.parent AND now - s.handed_at <= $3                        THEN 'replayed'
            WHEN $2 = s.parent                                                    THEN 'recovered'
            WHEN s.floor <= $2 AND $2 < s.current AND now - s.moved_at <= $3      THEN 'replayed'
            ELSE                                                                       'reused'
          END AS answer
        FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now) AS clock
      ) AS decision
    ) AS step
  )
  WHERE s.id = $1
    AND s.ended_at IS NULL
    AND s.expires_at > clock_timestamp()
    AND greatest(s.handed_at, extract(epoch FROM s.created_at) * 1000) + $4 > extract(epoch FROM clock_timestamp()) * 1000
  RETURNING
    s.current AS generation,
    s.last_answer AS answer,
    s.account_id AS "accountId",
    (SELECT roles FROM auth.accounts WHERE id = s.account_id AND status = 'active') AS roles`,
};
