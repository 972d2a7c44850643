import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { OPENING, present } from '../src/auth/sessions/rotation.js';
import { FLIGHT, histories, play, type Step } from './support/refresh-histories.js';

const G = 20_000;

describe('an honest browser', () => {
  it('is never logged out by tabs, retries, lost and late answers', () => {
    fc.assert(
      fc.property(histories, (history) => {
        expect(play(history, G)).toBe('alive');
      }),
      { numRuns: 20_000 },
    );
  });

  it('would be logged out if the grace were one flight instead of two', () => {
    const check = fc.check(
      fc.property(histories, (history) => play(history, FLIGHT) === 'alive'),
      { numRuns: 50_000 },
    );
    expect(check.failed).toBe(true);
  });

  it('would be logged out if stragglers right after a move were not forgiven', () => {
    const strict: Step = (state, p, now, grace) =>
      p < state.parent ? { answer: 'reused', state } : present(state, p, now, grace);
    const check = fc.check(
      fc.property(histories, (history) => play(history, G, strict) === 'alive'),
      { numRuns: 50_000 },
    );
    expect(check.failed).toBe(true);
  });
});

describe('a thief with a copy of the cookie', () => {
  /** Owner and thief refresh in turn; every refresh is more than the grace after the one before. */
  const turns = fc.record({
    before: fc.array(fc.integer({ min: G + 1, max: 3_600_000 }), { maxLength: 5 }),
    copied: fc.constantFrom('current', 'parent'),
    thiefFirst: fc.boolean(),
    streaks: fc.tuple(
      ...([1, 2, 3, 4] as const).map(() =>
        fc.array(fc.integer({ min: G + 1, max: 3_600_000 }), { minLength: 1, maxLength: 4 }),
      ),
    ),
  });

  it('is found out by the second change of turn', () => {
    fc.assert(
      fc.property(turns, ({ before, copied, thiefFirst, streaks }) => {
        let state = OPENING;
        let now = 1_000_000;
        const holding = { owner: 1, thief: 0 };
        for (const pause of before) {
          now += pause;
          state = present(state, holding.owner, now, G).state;
          holding.owner = state.current;
        }
        holding.thief = copied === 'parent' && state.parent > 0 ? state.parent : holding.owner;
        let reusedInTurn: number | undefined;
        for (const [turn, streak] of streaks.entries()) {
          const who = (turn % 2 === 0) === thiefFirst ? 'thief' : 'owner';
          for (const pause of streak) {
            if (reusedInTurn !== undefined) break;
            now += pause;
            const outcome = present(state, holding[who], now, G);
            state = outcome.state;
            holding[who] = state.current;
            if (outcome.answer === 'reused') reusedInTurn = turn;
          }
        }
        expect(reusedInTurn).toBeLessThanOrEqual(2);
      }),
      { numRuns: 20_000 },
    );
  });
});
