/** One row of the tables in `postgres-failures.ts` and `redis-failures.ts`: the consequences of a store's error. */
export interface StoreFailure {
  /** Stable and machine-readable: the log and `/health/ready` name it. */
  readonly reason: string;
  /**
   * `retry`: the transaction was rolled back, and is repeated before the client gets an answer. `retry_unnamed`: so is a
   * prepared statement, without its name. `unavailable`: 503 `temporarily_unavailable` with `Retry-After`.
   */
  readonly client: 'retry' | 'retry_unnamed' | 'unavailable';
  /** `drop_all`: every open connection leads to the same server in the same state, so none of them is used again. */
  readonly connection: 'keep' | 'drop' | 'drop_all';
  /** True where `/health/ready` answers 503 until a probe succeeds: log-in, refresh or writes cannot work. */
  readonly losesReadiness: boolean;
  /** False where only an operator can end it; such a failure is logged again and again, and refuses a start at once. */
  readonly transient: boolean;
  /** For the operator: the setting, the cause, and the remedy, in one or two sentences. */
  readonly remedy: string;
}
