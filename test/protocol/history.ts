import fc from 'fast-check';
import { MAX_REQUEST_AGE_MS } from '../../src/auth/sessions/pause-detector.js';
import { INITIAL_STATE, rotate, type RotationState } from '../../src/auth/sessions/rotation.js';

/** A client gives up on a request after this. */
export const FLIGHT = 8_000;
/** How much later (ms) than the first the last process notices that Redis went down or is back. */
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
        .map((n) =>
          n < 7_000 ? 0 : n < 9_000 ? (n - 7_000) * (MAX_REQUEST_AGE_MS / 2_000) : (n - 9_000) * 120,
        ),
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
  ['a Redis that is unavailable for a time', historiesWith(outage)],
  ['all faults together', faultyHistories],
];

export type Step = typeof rotate;

/**
 * One thing that happens to a session, in the order of time:
 * - `refresh`: a process presents a generation. `away`: it presents it to the row, because it cannot reach Redis.
 * - `reconnect`: a process reaches Redis again, and evicts the copy if the row was changed since `goodAt`.
 */
type Happening = { readonly at: number } & (
  | {
      readonly kind: 'refresh';
      readonly generation: number;
      readonly away: boolean;
      readonly uncertainUntil: number;
    }
  | { readonly kind: 'flush' }
  | { readonly kind: 'fail over'; readonly back: number }
  | { readonly kind: 'reconnect'; readonly goodAt: number }
);

/**
 * Unfolds a history of one browser with one cookie jar and two processes. After a refresh, `next` takes the generation that
 * its answer carries. `guarded`: a request that waits longer than {@link MAX_REQUEST_AGE_MS} is not presented.
 */
export function* unfold({ requests, faults }: History, guarded = true): Generator<Happening, void, number> {
  let cookie = 1;
  const processes = [0, 1].map(() => ({ away: 0, goodAt: 0, uncertainUntil: -Infinity }));
  type Process = (typeof processes)[number];
  const reconnect = (process: Process, at: number): Happening => {
    process.uncertainUntil = at + SETTLE;
    return { kind: 'reconnect', at, goodAt: process.goodAt };
  };

  const events: {
    readonly at: number;
    readonly run: () => readonly Happening[] | void;
    readonly answered?: (given: number) => void;
  }[] = [];

  for (const fault of faults) {
    const { at } = fault;
    if (fault.kind === 'outage') {
      for (const [i, process] of processes.entries()) {
        const from = at + (fault.delays[i] ?? 0);
        const until = at + fault.length + SETTLE + (fault.returns[i] ?? 0);
        const leave = () => {
          if (process.away++ === 0) [process.goodAt, process.uncertainUntil] = [from, from + SETTLE];
        };
        const comeBack = () => (--process.away === 0 ? [reconnect(process, until)] : []);
        events.push({ at: from, run: leave }, { at: until, run: comeBack });
      }
    } else if (fault.kind === 'flush') {
      events.push({ at, run: () => [fault] });
    } else {
      const inUse = () => processes.filter(({ away }) => away === 0);
      events.push({ at, run: () => [fault, ...inUse().map((process) => reconnect(process, at))] });
    }
  }
  for (const { at, up, wait = 0, down, lost, process } of requests) {
    if (lost === 'request' || (guarded && wait > MAX_REQUEST_AGE_MS)) continue;
    const send = () => {
      const generation = cookie;
      const then = at + up + wait;
      const refresh = (): readonly Happening[] => {
        const { away, uncertainUntil } = processes[process] as Process;
        return [{ kind: 'refresh', at: then, generation, away: away > 0, uncertainUntil }];
      };
      const answered = (given: number) => {
        // Browsers take cookies in the order of arrival, so a late answer may well put an older one back.
        const inTime = lost === 'nothing' && then + down <= at + FLIGHT;
        if (inTime) events.push({ at: then + down, run: () => void (cookie = given) });
      };
      events.push({ at: then, run: refresh, answered });
    };
    events.push({ at, run: send });
  }
  while (events.length > 0) {
    events.sort((a, b) => a.at - b.at);
    const event = events.shift();
    for (const happening of event?.run() ?? []) {
      const given = yield happening;
      event?.answered?.(given);
    }
  }
}

/**
 * Plays a history with a row and its copy in Redis against a step; tells whether the session was ended. Without faults the
 * copy is all that matters. `guarded`: see {@link unfold}.
 */
export function play(
  history: History,
  grace: number,
  step: Step = rotate,
  guarded = true,
): 'alive' | 'ended' {
  let row: RotationState = INITIAL_STATE;
  let rowChangedAt = -Infinity;
  let savedAt = 0;
  let copy: (RotationState & { readonly seededAt: number }) | undefined = { ...INITIAL_STATE, seededAt: 0 };
  let past: { readonly at: number; readonly copy: typeof copy }[] = [];

  const stepOnRow = (p: number, now: number, uncertainUntil: number) => {
    const outcome = step(row, p, now, grace, uncertainUntil);
    row = outcome.state;
    rowChangedAt = now;
    return outcome;
  };
  const stepOnCopy = (p: number, now: number, uncertainUntil: number): ReturnType<Step> => {
    copy ??= { ...row, seededAt: now };
    const { seededAt } = copy;
    const outcome = step(copy, p, now, grace, Math.max(uncertainUntil, seededAt));
    if (outcome.outcome === 'reused' && rowChangedAt >= seededAt) {
      copy = undefined;
      return stepOnRow(p, now, Math.max(uncertainUntil, now));
    }
    copy = { ...outcome.state, seededAt };
    past.push({ at: now, copy });
    if (now - savedAt >= HOURLY && row.current <= copy.current) [savedAt, row] = [now, outcome.state];
    return outcome;
  };

  const happenings = unfold(history, guarded);
  let next = happenings.next();
  while (next.done !== true) {
    const event = next.value;
    let given = 0;
    if (event.kind === 'flush') copy = undefined;
    if (event.kind === 'fail over') {
      past = past.filter(({ at }) => at <= event.at - event.back);
      copy = past.at(-1)?.copy;
    }
    if (event.kind === 'reconnect' && rowChangedAt >= event.goodAt) copy = undefined;
    if (event.kind === 'refresh') {
      const { generation, at, away, uncertainUntil } = event;
      const { outcome, state } = (away ? stepOnRow : stepOnCopy)(generation, at, uncertainUntil);
      if (outcome === 'reused') return 'ended';
      given = state.current;
    }
    next = happenings.next(given);
  }
  return 'alive';
}
