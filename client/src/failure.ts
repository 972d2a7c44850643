/** A member of the request that is wrong; `pointer` is an RFC 6901 pointer, such as `/email`. */
export interface FieldError {
  readonly pointer: string;
  /** Stable: programs decide by it. */
  readonly code: string;
  readonly detail: string;
}

/** An answer that says no (RFC 9457), or none at all: `unreachable`. */
export class Failure extends Error {
  /** Stable: programs decide by it. */
  readonly code: string;
  readonly errors: readonly FieldError[];
  /** After how many seconds it is worth trying again, where the server says so. */
  readonly retryAfter: number | undefined;

  constructor(
    code: string,
    more: {
      readonly errors?: readonly FieldError[];
      readonly retryAfter?: number;
      readonly cause?: unknown;
    } = {},
  ) {
    super(code, { cause: more.cause });
    this.name = 'Failure';
    this.code = code;
    this.errors = more.errors ?? [];
    this.retryAfter = more.retryAfter;
  }
}
