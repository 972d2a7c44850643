import fc from 'fast-check';
import { LONGEST_WAIT } from '../../src/auth/sessions/pulse.js';
import { OPENING, present, type RotationState } from '../../src/auth/sessions/rotation.js';

/** A client gives up on a request after this. */
export const FLIGHT = 8_000;
/** How much later (ms) than the first the last process notices that Redis went away or is back. */
const SETTLE = 5_000;
const HOURLY = 3_600_000;

/** One request of one tab. Times in ms; an answer that comes later than {@link FLIGHT} finds that the client has given up. */
interface Request {
  readonly at: number;
  readonly up: number;
  /** How long it waits for its step once it is there: the process stands still, or its statement is held up. */
  readonly wait?: number;
  readonly down: number;
  readonly lost: 'nothing' | 'request' | 'answer';
  /** Which of two processes it reaches. */
  readonly process: 0 | 1;
}
/**
 * - `flush`: Redis forgets everything.
 * - `fail over`: Redis goes on where it was `back` ms ago, and every process has to connect anew.
 * - `outage`: each process notices after its `delay`, and comes back so much after the end.
 */
type Fault =
  | { readonly kind: 'flush'; readonly at: number }
  | { readonly kind: 'fail over'; readonly at: number; readonly back: number }
  | {
      readonly kind: 'outage';
      readonly at: number;
      readonly length: number;
      readonly delays: readonly [number, number];
      readonly returns: readonly [number, number];
    };
export interface History {
  readonly requests: readonly Request[];
  readonly faults: readonly Fault[];
}

const burst = fc.record({
  pause: fc.oneof(fc.nat({ max: 30_000 }), fc.nat({ max: 3_600_000 })),
  requests: fc.array(
    fc.record({
      delay: fc.nat({ max: 2 * FLIGHT }),
      up: fc.nat({ max: FLIGHT }),
      // Mostly none, sometimes as long as may be, and now and then up to two minutes.
      wait: fc
        .nat({ max: 10_000 })
        .map((n) => (n < 7_000 ? 0 : n < 9_000 ? (n - 7_000) * (LONGEST_WAIT / 2_000) : (n - 9_000) * 120)),
      down: fc.nat({ max: FLIGHT }),
      lost: fc.oneof(
        { weight: 4, arbitrary: fc.constant('nothing' as const) },
        { weight: 5, arbitrary: fc.constant('answer' as const) },
        { weight: 1, arbitrary: fc.constant('request' as const) },
      ),
      process: fc.constantFrom(0 as const, 1 as const),
    }),
    { minLength: 1, maxLength: 6 },
  ),
});
const soon = fc.nat({ max: SETTLE });
const flush = fc.record({ kind: fc.constant('flush' as const) });
const failOver = fc.record({
  kind: fc.constant('fail over' as const),
  back: fc.oneof(fc.nat({ max: 5_000 }), fc.nat({ max: 60_000 })),
});
const outage = fc.record({
  kind: fc.constant('outage' as const),
  length: fc.oneof(fc.nat({ max: 5_000 }), fc.nat({ max: 60_000 })),
  delays: fc.tuple(soon, soon),
  returns: fc.tuple(soon, soon),
});

/**
 * Histories of one honest browser: bursts of requests from several tabs, up to an hour apart, over processes that may
 * stand still. Up to three of the given faults happen around each burst.
 */
function historiesWith(...faults: (typeof flush | typeof failOver | typeof outage)[]): fc.Arbitrary<History> {
  const beside =
    faults.length === 0
      ? fc.constant([])
      : fc.array(fc.tuple(fc.oneof(...faults), fc.nat({ max: 30_000 })), { maxLength: 3 });
  return fc.array(fc.tuple(burst, beside), { minLength: 1, maxLength: 12 }).map((bursts) => {
    const history = { requests: [] as Request[], faults: [] as Fault[] };
    let start = 1_000_000;
    for (const [{ pause, requests }, happened] of bursts) {
      start += pause;
      for (const { delay, down, ...sent } of requests) {
        const left = Math.max(0, FLIGHT - sent.up - sent.wait);
        history.requests.push({ ...sent, at: start + delay, down: Math.min(down, left) });
      }
      for (const [what, later] of happened) history.faults.push({ ...what, at: start - 5_000 + later });
    }
    return history;
  });
}

/** Tabs, retries, lost and late answers, processes that stand still. */
export const histories = historiesWith();
/** The same with every kind of fault of Redis. */
export const faultyHistories = historiesWith(flush, failOver, outage);
/** One generator for each kind of fault, by its name. */
export const historiesByKind: [kind: string, histories: fc.Arbitrary<History>][] = [
  ['tabs, retries, lost and late answers, and processes that stand still', histories],
  ['a Redis that is flushed', historiesWith(flush)],
  ['a Redis that fails over to an older state', historiesWith(failOver)],
  ['a Redis that is away for a time', historiesWith(outage)],
  ['all faults together', faultyHistories],
];

export type Step = typeof present;

/** A refresh that reaches a process: the presented generation, and when its step is taken. */
interface Arrival {
  readonly process: 0 | 1;
  readonly generation: number;
  readonly at: number;
}

/**
 * The requests of one browser with one cookie jar, in the order of their steps. Each `next` takes the generation that the
 * answer to the last one carries. `guarded`: a request that waits longer than {@link LONGEST_WAIT} gets no step.
 */
export function* browse(requests: readonly Request[], guarded = true): Generator<Arrival, void, number> {
  let cookie = 1;
  /** A request is sent, then reaches a process with a generation, then its answer reaches the browser with another. */
  const events: { at: number; request: Request; generation?: number; given?: number }[] = requests.map(
    (request) => ({ at: request.at, request }),
  );
  while (events.length > 0) {
    events.sort((a, b) => a.at - b.at);
    const event = events.shift();
    if (event === undefined) return;
    const { at, request, generation, given } = event;
    const { up, wait = 0, down, lost, process } = request;
    if (given !== undefined) {
      // Browsers take cookies in the order of arrival, so a late answer may well put an older one back.
      cookie = given;
    } else if (generation !== undefined) {
      const answer = { at: at + down, request, generation, given: yield { process, generation, at } };
      if (lost === 'nothing' && answer.at <= request.at + FLIGHT) events.push(answer);
    } else if (lost !== 'request' && !(guarded && wait > LONGEST_WAIT)) {
      events.push({ at: at + up + wait, request, generation: cookie });
    }
  }
}

/**
 * Plays a history with two processes, a row and its copy in Redis, against a step; tells whether the session was ended.
 * Without faults the copy is all that matters. `guarded`: see {@link browse}.
 */
export function play(
  { requests, faults }: History,
  grace: number,
  step: Step = present,
  guarded = true,
): 'alive' | 'ended' {
  let row: RotationState = OPENING;
  let rowTouchedAt = -Infinity;
  let savedAt = 0;
  let copy: (RotationState & { readonly seededAt: number }) | undefined = { ...OPENING, seededAt: 0 };
  let past: { readonly at: number; readonly copy: typeof copy }[] = [];
  const processes = [0, 1].map(() => ({ away: 0, goodAt: 0, doubt: -Infinity }));

  const events: { at: number; run: () => void }[] = [];
  const schedule = (at: number, run: () => void) => void events.push({ at, run });

  const stepOnRow = (p: number, now: number, doubt: number) => {
    const outcome = step(row, p, now, grace, doubt);
    row = outcome.state;
    rowTouchedAt = now;
    return outcome;
  };
  const stepOnCopy = (p: number, now: number, doubt: number): ReturnType<Step> => {
    copy ??= { ...row, seededAt: now };
    const { seededAt } = copy;
    const outcome = step(copy, p, now, grace, Math.max(doubt, seededAt));
    if (outcome.answer === 'reused' && rowTouchedAt >= seededAt) {
      copy = undefined;
      return stepOnRow(p, now, Math.max(doubt, now));
    }
    copy = { ...outcome.state, seededAt };
    past.push({ at: now, copy });
    if (now - savedAt >= HOURLY && row.current <= copy.current) [savedAt, row] = [now, outcome.state];
    return outcome;
  };
  const reconnect = (process: (typeof processes)[number], now: number) => {
    process.doubt = now + SETTLE;
    if (rowTouchedAt >= process.goodAt) copy = undefined;
  };

  for (const fault of faults) {
    if (fault.kind === 'flush') schedule(fault.at, () => void (copy = undefined));
    if (fault.kind === 'fail over') {
      schedule(fault.at, () => {
        past = past.filter(({ at }) => at <= fault.at - fault.back);
        copy = past.at(-1)?.copy;
        for (const process of processes) if (process.away === 0) reconnect(process, fault.at);
      });
    }
    if (fault.kind === 'outage') {
      for (const [i, process] of processes.entries()) {
        const [from, until] = [
          fault.at + (fault.delays[i] ?? 0),
          fault.at + fault.length + SETTLE + (fault.returns[i] ?? 0),
        ];
        schedule(from, () => {
          if (process.away++ === 0) [process.goodAt, process.doubt] = [from, from + SETTLE];
        });
        schedule(until, () => {
          if (--process.away === 0) reconnect(process, until);
        });
      }
    }
  }
  events.sort((a, b) => a.at - b.at);
  const arrivals = browse(requests, guarded);
  let next = arrivals.next();
  while (next.done !== true) {
    const { process, generation, at } = next.value;
    while (events[0] !== undefined && events[0].at <= at) events.shift()?.run();
    const { away, doubt } = processes[process] ?? { away: 0, doubt: 0 };
    const { answer, state } = (away > 0 ? stepOnRow : stepOnCopy)(generation, at, doubt);
    if (answer === 'reused') return 'ended';
    next = arrivals.next(state.current);
  }
  return 'alive';
}
