import { AsyncLocalStorage } from 'node:async_hooks';
import type { FastifyInstance } from 'fastify';
import { within } from '../concurrency/within.js';
import { sendProblem } from '../problems/problem.filter.js';
import { temporarilyUnavailable } from '../problems/problem.js';

/**
 * Time limit of a response, from the arrival of the whole request: it covers waiting for a connection, connecting, SQL
 * statements, Redis commands and the queue for password hashes. A client with a timeout of 5 s gets a result or 503.
 */
export const REQUEST_BUDGET_MS = 4_000;
/** Part of the limit that is reserved for a commit and the response. */
const COMMIT_MS = 500;

/** Deadline of the response to the current request (`performance.now()`). */
const deadline = new AsyncLocalStorage<number>();

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Time limit (ms) of a route whose work has its own deadlines, instead of {@link REQUEST_BUDGET_MS}. */
    respondsWithin?: number;
  }
}

/** Responds 503 if a handler exceeds its time limit. The handler continues, and its late response is dropped. */
export function limitResponseTime(server: FastifyInstance): void {
  // Starts after the body has arrived; `requestTimeout` limits that time.
  server.addHook('preHandler', (request, reply, done) => {
    const ms = request.routeOptions.config.respondsWithin ?? REQUEST_BUDGET_MS;
    const timer = setTimeout(() => {
      if (reply.sent || reply.raw.destroyed) return;
      sendProblem(tooSlow(), request, reply);
      reply.send = () => reply;
    }, ms);
    reply.raw.once('close', () => clearTimeout(timer));
    deadline.run(performance.now() + ms, done);
  });
}

/** Returns the result of `work` within a time limit. @throws {Problem} `temporarily_unavailable` after `ms`. */
export async function withinBudget<T>(work: () => Promise<T>, ms = REQUEST_BUDGET_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooSlow()), ms);
  });
  try {
    return await Promise.race([deadline.run(performance.now() + ms, work), timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Refuses a commit after which the response would be late. Last step of transactions that a client cannot repeat.
 * @throws {Problem} `temporarily_unavailable`.
 */
export function refuseLateCommit(): void {
  if (remaining() <= 0) throw tooSlow();
}

/** Waits for work after a commit while the response is still in time. The work continues after that. */
export async function whileResponseCanWait(work: Promise<void>): Promise<void> {
  await within(work, Math.max(0, remaining()));
}

/** Returns the time (ms) until the commit of the current request has to begin; `Infinity` outside requests. */
function remaining(): number {
  return (deadline.getStore() ?? Infinity) - COMMIT_MS - performance.now();
}

function tooSlow(): Error {
  return temporarilyUnavailable('time_limit: the stores did not answer within the time limit', undefined);
}
