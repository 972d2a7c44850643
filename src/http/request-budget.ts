import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { answerProblem } from '../problems/problem.filter.js';
import { temporarilyUnavailable } from '../problems/problem.js';

/**
 * Time limit (ms) of an answer, from the arrival of the whole request: waiting for a connection, connecting, statements,
 * commands of Redis and the queue for password hashes together. A client that waits 5 s gets a result or 503, never nothing.
 */
export const REQUEST_BUDGET_MS = 4_000;
/** Time (ms) that remains of the limit for a commit and the answer. */
const COMMIT_MS = 500;

/** Deadline (ms, `performance.now()`) of the answer to the current request. */
const deadline = new AsyncLocalStorage<number>();

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
    deadline.run(performance.now() + ms, done);
  });
}

/** Gives the outcome of work that takes no longer than so many ms. @throws {Problem} `temporarily_unavailable` otherwise. */
export async function withinBudget<T>(work: () => Promise<T>, ms = REQUEST_BUDGET_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooSlow()), ms);
  });
  try {
    return await Promise.race([deadline.run(performance.now() + ms, work), late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Refuses to commit what a client cannot repeat when its answer would come too late. The last step of such a transaction.
 * @throws {Problem} `temporarily_unavailable`.
 */
export function refuseLateCommit(): void {
  if (remaining() <= 0) throw tooSlow();
}

/** Waits for work after a commit, as long as the success can still be answered in time. The work goes on after that. */
export async function whileAnswerCanWait(work: Promise<void>): Promise<void> {
  const ms = remaining();
  if (ms === Infinity) return work;
  const answered = new AbortController();
  const late = sleep(Math.max(0, ms), undefined, { signal: answered.signal }).catch(() => {});
  try {
    await Promise.race([work, late]);
  } finally {
    answered.abort();
  }
}

/** Time (ms) until the commit of the current request has to begin; `Infinity` outside of requests. */
function remaining(): number {
  return (deadline.getStore() ?? Infinity) - COMMIT_MS - performance.now();
}

function tooSlow(): Error {
  return temporarilyUnavailable('time_limit: the stores did not answer within the time limit', undefined);
}
