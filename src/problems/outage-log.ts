import type { FastifyBaseLogger } from 'fastify';

/** Interval (ms) of the line that sums up repeated answers 503. */
const SUMMARY_MS = 10_000;
/** Reasons that are told apart at once; further ones are logged in full each time. */
const MOST_REASONS = 100;

/** Number of answers since the last line, by logger and reason. */
const repeated = new WeakMap<FastifyBaseLogger, Map<string, number>>();

/** Logs an answer 503: the first of a reason in full, and then one line with their number per interval. */
export function logOutage(log: FastifyBaseLogger, reason: string, line: object, title: string): void {
  const counts = repeated.get(log) ?? new Map<string, number>();
  repeated.set(log, counts);
  const count = counts.get(reason);
  if (count !== undefined) return void counts.set(reason, count + 1);
  log.error(line, title);
  if (counts.size >= MOST_REASONS) return;
  counts.set(reason, 0);
  const timer = setInterval(() => {
    const answers = counts.get(reason) ?? 0;
    if (answers > 0) log.error({ reason, answers, seconds: SUMMARY_MS / 1000 }, `${title}: repeated`);
    if (answers > 0) return void counts.set(reason, 0);
    counts.delete(reason);
    clearInterval(timer);
  }, SUMMARY_MS);
  timer.unref();
}
