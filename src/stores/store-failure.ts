/** Consequences of a store's error: a row of the tables in postgres-failures.ts and redis-failures.ts. */
export interface StoreFailure {
  /** Stable and machine-readable, for the log and `/health/ready`. */
  readonly reason: string;
  /**
   * `retry`: the transaction was rolled back, and is repeated before the response. `retry_unnamed`: the prepared statement is
   * repeated without name. `unavailable`: 503 `temporarily_unavailable` with `Retry-After`.
   */
  readonly client: 'retry' | 'retry_unnamed' | 'unavailable';
  /** `drop_all`: all open connections are closed, because they lead to the same server in the same state. */
  readonly connection: 'keep' | 'drop' | 'drop_all';
  /** True if logins, refreshes or writes cannot work: `/health/ready` responds 503 until a probe succeeds. */
  readonly losesReadiness: boolean;
  /** False if only an operator can end the failure. It is logged repeatedly, and a start fails at once. */
  readonly transient: boolean;
  /** For the operator: setting, cause and remedy. */
  readonly remedy: string;
}
