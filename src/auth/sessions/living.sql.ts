/** When a session was last used, as its row says: with Redis up to an hour late. */
export const LAST_USED = 'greatest(created_at, to_timestamp(issued_at / 1000.0))';

/** Makes the condition under which a row is of a session that has neither ended nor passed a limit; `idle` in seconds. */
export const LIVING = (idle: string): string =>
  `ended_at IS NULL AND expires_at > now() AND ${LAST_USED} + make_interval(secs => ${idle}) > now()`;
