import type { FastifyInstance, FastifyRequest } from 'fastify';
import { RepeatedLines } from '../logging/repeated-lines.js';

/** Interval (ms) of the line that sums up repeated outages. */
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

/** Adds the counts of outages to the server, which {@link logOutage} needs. */
export function prepareOutageLog(server: FastifyInstance): void {
  server.decorate('outageLines', new RepeatedLines(SUMMARY_MS));
}

/** Logs a request that failed by an outage: the first of a reason in full, and then one line with their number per interval. */
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
