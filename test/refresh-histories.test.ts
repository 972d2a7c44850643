import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { OPENING, present } from '../src/auth/sessions/rotation.js';
import { faultyHistories, FLIGHT, histories, play, type Step } from './support/refresh-histories.js';

const G = 20_000;

describe('an honest browser', () => {
  it('property 1, one lineage: is never logged out by tabs, retries, lost and late answers', () => {
    fc.assert(
      fc.property(histories, (history) => {
        expect(play(history, G)).toBe('alive');
      }),
      { numRuns: 20_000 },
    );
  });

  it('property 1, one lineage: is never logged out by a Redis that forgets, fails over to an older state, or comes and goes', () => {
    fc.assert(
      fc.property(faultyHistories, (history) => {
        expect(play(history, G)).toBe('alive');
      }),
      { numRuns: 20_000 },
    );
  });

  // Found by the histories, once in some hundred thousand.
  it('is not logged out when a flush lets an older generation live on beside a newer one, and the answer to it comes late', () => {
    const lost = { up: 0, down: 0, lost: 'answer', process: 0 } as const;
    const slow = { down: 0, lost: 'nothing', process: 0 } as const;
    const requests = [
      { ...lost, at: 1_000_000 },
      { ...slow, at: 1_013_544, up: 6_458 },
      { ...slow, at: 1_013_966, up: 6_035 },
      { ...lost, at: 1_020_002 },
      { ...lost, at: 1_020_844 },
      { ...slow, at: 1_026_242, up: 724, down: 7_276 },
      { ...lost, at: 1_034_242, up: 5_762 },
      { ...lost, at: 1_035_526, up: 4_477 },
    ];
    expect(play({ requests, faults: [{ kind: 'flush', at: 1_020_002 }] }, G)).toBe('alive');
  });
});

describe('these histories would find out', () => {
  const finds = (step: Step, grace = G, guarded = true) => {
    const ends = fc.property(faultyHistories, (history) => play(history, grace, step, guarded) === 'alive');
    return fc.check(ends, { numRuns: 50_000, endOnFailure: true }).failed;
  };

  it('a grace of one flight instead of two', () => {
    const check = fc.check(
      fc.property(histories, (history) => play(history, FLIGHT) === 'alive'),
      { numRuns: 50_000, endOnFailure: true },
    );
    expect(check.failed).toBe(true);
  });

  it('a process that stood still, and then does what its client has long given up', () => {
    expect(finds(present, G, false)).toBe(true);
    // The shortest of them: one process sleeps, the other goes on, and what the first was asked abandons what that gave.
    const ask = { up: 0, down: 0, lost: 'nothing', process: 0 } as const;
    const requests = [
      { ...ask, at: 1_000_000 },
      { ...ask, at: 1_100_000, wait: 40_000 },
      { ...ask, at: 1_110_000, process: 1 } as const,
      { ...ask, at: 1_200_000 },
    ];
    expect(play({ requests, faults: [] }, G, present, false)).toBe('ended');
    expect(play({ requests, faults: [] }, G)).toBe('alive');
  });

  it('a floor that moves too early: stragglers right after a move are not forgiven', () => {
    const strict: Step = (state, p, ...rest) =>
      p < state.parent ? { answer: 'reused', state } : present(state, p, ...rest);
    expect(finds(strict)).toBe(true);
  });

  it('a successor that is another one each time', () => {
    const fickle: Step = (state, p, now, grace, doubt) => {
      const outcome = present(state, p, now, grace, doubt);
      const again = { ...state, current: state.current + 1, handedAt: now };
      return outcome.answer === 'replayed' ? { answer: 'replayed', state: again } : outcome;
    };
    expect(finds(fickle)).toBe(true);
  });

  it('a store that trusts what it remembers although it may have forgotten', () => {
    expect(finds((state, p, now, grace) => present(state, p, now, grace))).toBe(true);
  });

  it('a store that refuses what it has forgotten making', () => {
    const forgetful: Step = (state, p, ...rest) =>
      p > state.current ? { answer: 'reused', state } : present(state, p, ...rest);
    expect(finds(forgetful)).toBe(true);
  });
});

describe('a thief with a copy of the cookie', () => {
  /** Refreshes that are more than the grace apart. */
  const streak = fc.array(fc.integer({ min: G + 1, max: 3_600_000 }), { minLength: 1, maxLength: 4 });
  /** The owner refreshes; a copy is made, of what is held or of one up to two refreshes older; then thief and owner take turns. */
  const thefts = fc.record({
    before: fc.array(fc.integer({ min: G + 1, max: 3_600_000 }), { maxLength: 5 }),
    older: fc.nat({ max: 2 }),
    thiefFirst: fc.boolean(),
    turns: fc.tuple(streak, streak, streak, streak),
    doubtful: fc.boolean(),
  });
  type Theft = typeof thefts extends fc.Arbitrary<infer T> ? T : never;

  /** In which turn, from 0, the session ended. */
  function turnOfDetection({ before, older, thiefFirst, turns, doubtful }: Theft, step: Step = present) {
    let state = OPENING;
    let now = 1_000_000;
    const holding = { owner: 1, thief: 0 };
    const given = [1];
    for (const pause of before) {
      now += pause;
      state = step(state, holding.owner, now, G).state;
      given.push((holding.owner = state.current));
    }
    holding.thief = given.at(-1 - older) ?? 1;
    const doubt = doubtful ? now : -Infinity;
    for (const [turn, pauses] of turns.entries()) {
      const who = (turn % 2 === 0) === thiefFirst ? 'thief' : 'owner';
      for (const pause of pauses) {
        now += pause;
        const outcome = step(state, holding[who], now, G, doubt);
        if (outcome.answer === 'reused') return turn;
        state = outcome.state;
        holding[who] = state.current;
      }
    }
    return undefined;
  }

  it('property 2, detection: is found out by the second change of turn, also when the store forgot something before', () => {
    fc.assert(
      fc.property(thefts, (theft) => {
        expect(turnOfDetection(theft)).toBeLessThanOrEqual(2);
      }),
      { numRuns: 20_000 },
    );
  });

  it('is found out at once with a copy from three refreshes ago, even inside the grace of its owner', () => {
    const pauses = fc.array(fc.integer({ min: G + 1, max: 3_600_000 }), { minLength: 3, maxLength: 8 });
    const foundAtOnce = (step: Step) =>
      fc.property(pauses, (times) => {
        let state = OPENING;
        let now = 1_000_000;
        for (const pause of times) state = step(state, state.current, (now += pause), G).state;
        return step(state, Math.max(1, state.current - 3), now + 1, G).answer === 'reused';
      });
    fc.assert(foundAtOnce(present));
    const bottomless: Step = (state, p, ...rest) => present({ ...state, floor: 0 }, p, ...rest);
    expect(fc.check(foundAtOnce(bottomless)).failed).toBe(true);
  });

  it('would not be found out if abandoned tokens were forgiven', () => {
    const forgiving: Step = (state, p, now, grace) => present(state, p, now, grace, state.movedAt);
    const found = fc.property(thefts, (theft) => (turnOfDetection(theft, forgiving) ?? 4) <= 2);
    expect(fc.check(found, { numRuns: 20_000 }).failed).toBe(true);
  });
});
