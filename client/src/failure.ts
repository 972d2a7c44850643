/** A wrong member of the request. `pointer` is an RFC 6901 pointer, such as `/email`. */
export interface FieldError {
  readonly pointer: string;
  /** Stable: programs decide by it. */
  readonly code: string;
  readonly detail: string;
}

/** An error response (RFC 9457), or a request without a response: `unreachable`. */
export class Failure extends Error {
  /** Stable: programs decide by it. */
  readonly code: string;
  readonly errors: readonly FieldError[];
  /** Seconds after which the server allows another attempt; undefined if it does not say. */
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
