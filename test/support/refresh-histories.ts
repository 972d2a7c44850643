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
const fault = fc.oneof(
  fc.record({ kind: fc.constant('flush' as const) }),
  fc.record({
    kind: fc.constant('fail over' as const),
    back: fc.oneof(fc.nat({ max: 5_000 }), fc.nat({ max: 60_000 })),
  }),
  fc.record({
    kind: fc.constant('outage' as const),
    length: fc.oneof(fc.nat({ max: 5_000 }), fc.nat({ max: 60_000 })),
    delays: fc.tuple(soon, soon),
    returns: fc.tuple(soon, soon),
  }),
);

/** What can happen to one honest browser: bursts of requests from several tabs, up to an hour apart, with up to so many faults beside each. */
function historiesWith(faults: number): fc.Arbitrary<History> {
  const beside = fc.array(fc.tuple(fault, fc.nat({ max: 30_000 })), { maxLength: faults });
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

/** Tabs, retries, lost and late answers. */
export const histories = historiesWith(0);
/** The same, with a Redis that forgets, fails over and comes and goes. */
export const faultyHistories = historiesWith(3);

export type Step = typeof present;

/**
 * Plays a history with one cookie jar, two processes, a row and its copy in Redis, against a step; tells whether the
 * session was ended. Without faults the copy is all that matters. `guarded`: a step that would come too late is not taken.
 */
export function play(
  { requests, faults }: History,
  grace: number,
  step: Step = present,
  guarded = true,
): 'alive' | 'ended' {
  let cookie = 1;
  let ended = false;
  let row: RotationState = OPENING;
  let rowTouchedAt = -Infinity;
  let savedAt = 0;
  let copy: (RotationState & { readonly seededAt: number }) | undefined = { ...OPENING, seededAt: 0 };
  let past: { readonly at: number; readonly copy: typeof copy }[] = [];
  const processes = [0, 1].map(() => ({ away: 0, goodAt: 0, doubt: -Infinity }));

  const events: { at: number; order: number; run: () => void }[] = [];
  let order = 0;
  const schedule = (at: number, run: () => void) => void events.push({ at, order: order++, run });

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

  for (const { at, up, wait = 0, down, lost, process } of requests) {
    schedule(at, () => {
      const carried = cookie;
      if (lost === 'request' || (guarded && wait > LONGEST_WAIT)) return;
      const then = at + up + wait;
      schedule(then, () => {
        const { away, doubt } = processes[process] ?? { away: 0, doubt: 0 };
        const outcome = (away > 0 ? stepOnRow : stepOnCopy)(carried, then, doubt);
        if (outcome.answer === 'reused') ended = true;
        // Browsers take cookies in the order of arrival, so a late answer may well put an older one back.
        const inTime = lost === 'nothing' && then + down <= at + FLIGHT;
        if (inTime) schedule(then + down, () => void (cookie = outcome.state.current));
      });
    });
  }
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
  while (events.length > 0) {
    events.sort((a, b) => a.at - b.at || a.order - b.order);
    events.shift()?.run();
    if (ended) break;
  }
  return ended ? 'ended' : 'alive';
}
