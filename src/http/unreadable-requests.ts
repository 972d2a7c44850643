import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import { PROBLEMS, type ProblemCode } from '../problems/catalogue.js';
import { RepeatedLines } from '../logging/repeated-lines.js';

/** Interval of the log line that sums up requests with the same error code. */
const SUMMARY_MS = 60_000;

/** Problem codes by the error code of Node.js. Default: `bad_request`. */
const UNREADABLE: Readonly<Record<string, ProblemCode>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
  HPE_HEADER_OVERFLOW: 'headers_too_large',
};

/**
 * Responds to and logs requests that Node.js cannot parse. They reach neither router nor hooks, and have no path and no
 * request id. The connection is closed.
 */
export class UnreadableRequests {
  private readonly lines = new RepeatedLines(SUMMARY_MS);

  constructor(
    private readonly logger: Logger,
    private readonly headers: Readonly<Record<string, string>>,
  ) {}

  /** Handles `clientError` of an HTTP server. */
  refuse(error: object, socket: Duplex): void {
    const { code: cause = 'unknown' } = error as { code?: string };
    const late = cause === 'ERR_HTTP_REQUEST_TIMEOUT';
    // No request was sent on this connection. A client would take a response for that of a request it sends just now.
    const silent = cause === 'ECONNRESET' || (late && (socket as Socket).bytesRead === 0);
    if (silent) return void socket.destroy();
    const code = UNREADABLE[cause] ?? 'bad_request';
    this.log(cause, code, (socket as Socket).remoteAddress);
    if (!socket.writable) return void socket.destroy();
    const { status, title } = PROBLEMS[code];
    const body = JSON.stringify({ type: `urn:daemun:problem:${code}`, title, status, code });
    const head = {
      ...this.headers,
      'content-type': 'application/problem+json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      connection: 'close',
    };
    const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
  }

  /** Closes a connection without a response, because no client would read it. */
  drop(cause: string, socket: Socket): void {
    this.log(cause, 'bad_request', socket.remoteAddress);
    socket.destroy();
  }

  private log(cause: string, code: ProblemCode, ip: string | undefined): void {
    this.lines.log(
      cause,
      () => this.logger.info({ code, cause, ip, status: PROBLEMS[code].status }, 'unreadable request'),
      (more) => this.logger.info({ code, cause, more }, 'more unreadable requests within a minute'),
    );
  }
}
