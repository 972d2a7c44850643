import { PROBLEMS, type ProblemCode } from './catalogue.js';
import type { FieldError } from './problem-body.js';

interface ProblemOptions {
  /** For the client: what is special about this occurrence. Never a secret, never which check failed. */
  readonly detail?: string;
  /** For the client: the members that are wrong. */
  readonly errors?: readonly FieldError[];
  /** For the client: response headers, such as `Retry-After`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** For the log only: why, in words. Never a secret or a token. */
  readonly reason?: string;
  /** For the log only: the error behind it. */
  readonly cause?: unknown;
}

/** An error that a client is meant to see (RFC 9457), with what only the log should know kept apart. */
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

/** A store or service that we need is away: 503, with the seconds after which it is worth trying again. */
export function temporarilyUnavailable(reason: string, cause: unknown): Problem {
  return new Problem('temporarily_unavailable', { reason, cause, headers: { 'Retry-After': '2' } });
}
