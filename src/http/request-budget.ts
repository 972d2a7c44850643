import type { FastifyInstance } from 'fastify';
import { answerProblem } from '../problems/problem.filter.js';
import { temporarilyUnavailable } from '../problems/problem.js';

/**
 * Time limit (ms) of an answer, from the arrival of the whole request: waiting for a connection, connecting, statements,
 * commands of Redis and the queue for password hashes together. A client that waits 5 s gets a result or 503, never nothing.
 */
export const REQUEST_BUDGET_MS = 4_000;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Time limit (ms) of a route whose work has deadlines of its own, in place of {@link REQUEST_BUDGET_MS}. */
    answersWithin?: number;
  }
}

/** Answers 503 where a handler has not answered in time. The handler goes on, and what it answers later is dropped. */
export function limitAnswerTime(server: FastifyInstance): void {
  // After the body: how long that may take is another limit (`requestTimeout`).
  server.addHook('preHandler', (request, reply, done) => {
    const ms = request.routeOptions.config.answersWithin ?? REQUEST_BUDGET_MS;
    const timer = setTimeout(() => {
      if (reply.sent || reply.raw.destroyed) return;
      answerProblem(tooSlow(), request, reply);
      reply.send = () => reply;
    }, ms);
    reply.raw.once('close', () => clearTimeout(timer));
    done();
  });
}

/** Gives the outcome of work that takes no longer than so many ms. @throws {Problem} `temporarily_unavailable` otherwise. */
export async function withinBudget<T>(work: Promise<T>, ms = REQUEST_BUDGET_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooSlow()), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function tooSlow(): Error {
  return temporarilyUnavailable('time_limit: the stores did not answer within the time limit', undefined);
}
