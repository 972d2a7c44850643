import { PROBLEMS, type ProblemCode } from './catalogue.js';
import type { FieldError } from './problem-body.js';

interface ProblemOptions {
  /** For the client: explanation of this occurrence, without secrets and without the check that failed. */
  readonly detail?: string;
  /** For the client: invalid members of the request. */
  readonly errors?: readonly FieldError[];
  /** For the client: response headers, such as `Retry-After`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** For the log only: the reason, without secrets and tokens. */
  readonly reason?: string;
  /** For the log only: the original error. */
  readonly cause?: unknown;
}

/** An error for the client (RFC 9457), with separate members for the log. */
export class Problem extends Error {
  readonly status: number;
  readonly title: string;
  readonly detail?: string;
  readonly errors?: readonly FieldError[];
  readonly headers: Readonly<Record<string, string>>;
  readonly reason?: string;

  constructor(
    readonly code: ProblemCode,
    options: ProblemOptions = {},
  ) {
    super(options.reason === undefined ? code : `${code}: ${options.reason}`, { cause: options.cause });
    this.name = 'Problem';
    this.status = PROBLEMS[code].status;
    this.title = PROBLEMS[code].title;
    this.detail = options.detail;
    this.errors = options.errors;
    this.headers = options.headers ?? {};
    this.reason = options.reason;
  }
}

/** Returns a 503 with `Retry-After`, for a store or service that is not available. */
export function temporarilyUnavailable(reason: string, cause: unknown): Problem {
  return new Problem('temporarily_unavailable', { reason, cause, headers: { 'Retry-After': '2' } });
}
