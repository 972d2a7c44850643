import fc from 'fast-check';
import { OPENING, present, type Answer, type RotationState } from '../../src/auth/sessions/rotation.js';

/** F of refresh.md: a client gives up on a request after this. */
export const FLIGHT = 8_000;

/** One request of one tab. Times in ms; `up` + `down` never exceeds {@link FLIGHT}, or the client would have given up. */
interface Request {
  readonly at: number;
  readonly up: number;
  readonly down: number;
  readonly lost: 'nothing' | 'request' | 'answer';
}
export type History = readonly Request[];

/** A burst of requests from several tabs (restored tabs, retries), then a pause of up to an hour. */
const burst = fc.record({
  pause: fc.oneof(fc.nat({ max: 30_000 }), fc.nat({ max: 3_600_000 })),
  requests: fc.array(
    fc.record({
      delay: fc.nat({ max: 2 * FLIGHT }),
      up: fc.nat({ max: FLIGHT }),
      down: fc.nat({ max: FLIGHT }),
      lost: fc.oneof(
        { weight: 4, arbitrary: fc.constant('nothing' as const) },
        { weight: 5, arbitrary: fc.constant('answer' as const) },
        { weight: 1, arbitrary: fc.constant('request' as const) },
      ),
    }),
    { minLength: 1, maxLength: 6 },
  ),
});

/** What can happen to one honest browser. */
export const histories: fc.Arbitrary<History> = fc
  .array(burst, { minLength: 1, maxLength: 12 })
  .map((bursts) => {
    const requests: Request[] = [];
    let start = 1_000_000;
    for (const { pause, requests: sent } of bursts) {
      start += pause;
      for (const { delay, up, down, lost } of sent) {
        requests.push({ at: start + delay, up, down: Math.min(down, FLIGHT - up), lost });
      }
    }
    return requests;
  });

export type Step = (
  state: RotationState,
  p: number,
  now: number,
  grace: number,
) => { readonly answer: Answer; readonly state: RotationState };

/** Plays a history with one cookie jar against a step; tells whether the session was ended. */
export function play(requests: History, grace: number, step: Step = present): 'alive' | 'ended' {
  let cookie = 1;
  let state = OPENING;
  let ended = false;
  const events: { at: number; order: number; run: () => void }[] = [];
  let order = 0;
  const schedule = (at: number, run: () => void) => void events.push({ at, order: order++, run });

  for (const { at, up, down, lost } of requests) {
    schedule(at, () => {
      const carried = cookie;
      if (lost === 'request') return;
      schedule(at + up, () => {
        const outcome = step(state, carried, at + up, grace);
        state = outcome.state;
        if (outcome.answer === 'reused') ended = true;
        const given = state.current;
        // Browsers take cookies in the order of arrival, so a late answer may well put an older one back.
        if (lost === 'nothing') schedule(at + up + down, () => void (cookie = given));
      });
    });
  }
  while (events.length > 0) {
    events.sort((a, b) => a.at - b.at || a.order - b.order);
    events.shift()?.run();
    if (ended) break;
  }
  return ended ? 'ended' : 'alive';
}
