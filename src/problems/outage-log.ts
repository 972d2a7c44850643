import type { FastifyInstance, FastifyRequest } from 'fastify';
import { RepeatedLines } from '../logging/repeated-lines.js';

/** Interval of the log line that sums up repeated outages. */
const SUMMARY_MS = 10_000;

declare module 'fastify' {
  interface FastifyInstance {
    outageLines: RepeatedLines;
  }
  interface FastifyRequest {
    /** Set by {@link logOutage}. */
    outageLogged?: boolean;
  }
}

/** Decorates the server with the counters of {@link logOutage}. */
export function prepareOutageLog(server: FastifyInstance): void {
  server.decorate('outageLines', new RepeatedLines(SUMMARY_MS));
}

/** Logs a request that failed because of an outage: the first of a reason in full, later ones as a count per interval. */
export function logOutage(
  request: FastifyRequest,
  line: { readonly reason: string; readonly [member: string]: unknown },
  title: string,
  level: 'info' | 'warn' | 'error' = 'error',
): void {
  const { log, server } = request;
  const { reason } = line;
  request.outageLogged = true;
  server.outageLines.log(
    `${title}: ${reason}`,
    () => log[level](line, title),
    (answers) => log[level]({ reason, answers, seconds: SUMMARY_MS / 1000 }, `${title}: repeated`),
  );
}
