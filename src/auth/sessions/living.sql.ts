/** SQL for the time of a session's last use in its row. With Redis it is up to an hour old. */
export const LAST_USED = 'greatest(created_at, to_timestamp(issued_at / 1000.0))';

/** Returns the SQL condition of a session that has not ended or passed a limit. `idle` is an expression in seconds. */
export const LIVING = (idle: string): string =>
  `ended_at IS NULL AND expires_at > now() AND ${LAST_USED} + make_interval(secs => ${idle}) > now()`;
