import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { INITIAL_STATE, rotate, type Rotation } from '../../src/auth/sessions/rotation.js';
import { faultyHistories, FLIGHT, histories, historiesByKind, play, type Step } from './history.js';
import { runs } from '../support/runs.js';

const G = 20_000;

describe('refresh token rotation for an honest browser', () => {
  it.each(historiesByKind)(
    'property 1 (one lineage): never ends the session of a browser with %s',
    (_, kind) => {
      fc.assert(
        fc.property(kind, (history) => play(history, G) === 'alive'),
        { numRuns: runs(3_000) },
      );
    },
  );

  // Shrunk counterexample. Generated histories find it about once in 100,000 runs.
  it('keeps the session when a late response restores a generation from before a flush', () => {
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

describe('the generated histories detect', () => {
  const finds = (step: Step, grace = G, guarded = true) => {
    const ends = fc.property(faultyHistories, (history) => play(history, grace, step, guarded) === 'alive');
    return fc.check(ends, { numRuns: 50_000, endOnFailure: true }).failed;
  };

  it('a grace period of one request time-out instead of two', () => {
    const check = fc.check(
      fc.property(histories, (history) => play(history, FLIGHT) === 'alive'),
      { numRuns: 50_000, endOnFailure: true },
    );
    expect(check.failed).toBe(true);
  });

  it('a paused process that serves requests whose clients have given up', () => {
    expect(finds(rotate, G, false)).toBe(true);
    // The shortest such history: process 0 pauses, process 1 continues, and the late step in process 0 abandons the
    // successor from process 1.
    const ask = { up: 0, down: 0, lost: 'nothing', process: 0 } as const;
    const requests = [
      { ...ask, at: 1_000_000 },
      { ...ask, at: 1_100_000, wait: 40_000 },
      { ...ask, at: 1_110_000, process: 1 } as const,
      { ...ask, at: 1_200_000 },
    ];
    expect(play({ requests, faults: [] }, G, rotate, false)).toBe('ended');
    expect(play({ requests, faults: [] }, G)).toBe('alive');
  });

  it('an `oldestValid` that refuses stragglers right after a rotation', () => {
    const strict: Step = (state, p, ...rest) =>
      p < state.parent ? { outcome: 'reused', state } : rotate(state, p, ...rest);
    expect(finds(strict)).toBe(true);
  });

  it('a successor that changes with each retry', () => {
    const fickle: Step = (state, p, now, grace, uncertainUntil) => {
      const outcome = rotate(state, p, now, grace, uncertainUntil);
      const again = { ...state, current: state.current + 1, issuedAt: now };
      return outcome.outcome === 'reissued' ? { outcome: 'reissued', state: again } : outcome;
    };
    expect(finds(fickle)).toBe(true);
  });

  it('a rotation of a generation ahead of the store that invalidates older generations', () => {
    const alike: Step = (state, p, ...rest) => {
      const outcome = rotate(state, p, ...rest);
      const raised = { ...outcome.state, oldestValid: state.oldestRetry, oldestRetry: p };
      return outcome.outcome === 'rotated' ? { outcome: 'rotated', state: raised } : outcome;
    };
    const given = { up: 0, down: 0, lost: 'nothing', process: 0 } as const;
    const requests = [
      { ...given, at: 1_000_002, wait: 1, lost: 'answer' } as const,
      { ...given, at: 1_000_000 },
      { ...given, at: 1_000_000, up: 2 },
      { ...given, at: 1_000_001 },
      { ...given, at: 1_012_763, up: 5_981, wait: 1_260 },
      { ...given, at: 1_003_258, lost: 'answer' } as const,
    ];
    const faults = [1_000_001, 1_000_002].map((at) => ({ kind: 'flush', at }) as const);
    expect(play({ requests, faults }, G, alike)).toBe('ended');
    expect(play({ requests, faults }, G)).toBe('alive');
  });

  it('a store that ignores its uncertainty interval', () => {
    expect(finds((state, p, now, grace) => rotate(state, p, now, grace))).toBe(true);
  });

  it('a store that refuses generations ahead of its own state', () => {
    const forgetful: Step = (state, p, ...rest) =>
      p > state.current ? { outcome: 'reused', state } : rotate(state, p, ...rest);
    expect(finds(forgetful)).toBe(true);
  });
});

/**
 * The rotation step as of before busy clients raised `oldestValid` and `oldestRetry`: here only a pause longer than
 * the grace does.
 */
const raisedByPausesOnly: Step = (state, p, now, grace, ...rest) => {
  const outcome = rotate(state, p, now, grace, ...rest);
  const busy = now - state.issuedAt <= grace;
  if (outcome.outcome !== 'rotated' || !busy) return outcome;
  return {
    outcome: 'rotated',
    state: { ...outcome.state, oldestValid: state.oldestValid, oldestRetry: state.oldestValid },
  };
};

describe('refresh token rotation against a thief with a copy of the cookie', () => {
  const pause = { long: fc.integer({ min: G + 1, max: 3_600_000 }), short: fc.nat({ max: G }) };
  /** Pauses between refreshes: parallel requests, one constant pause, pauses within the grace, pauses above it, or a mixture. */
  const rhythm = (length: { readonly minLength?: number; readonly maxLength: number }) =>
    fc.oneof(
      fc.array(fc.nat({ max: 1_000 }), length),
      fc
        .tuple(fc.nat({ max: 2 * G }), fc.array(fc.constant(0), length))
        .map(([n, each]) => each.map(() => n)),
      fc.array(pause.short, length),
      fc.array(pause.long, length),
      fc.array(fc.oneof(pause.short, pause.long), length),
    );
  /** The refreshes of one turn. The first comes more than the grace after the last refresh of the other party. */
  const turn = fc.tuple(pause.long, rhythm({ maxLength: 8 })).map(([first, others]) => [first, ...others]);
  /**
   * The owner refreshes. The thief copies the current cookie, or a cookie up to two refreshes older. Then thief and
   * owner take turns.
   */
  const thefts = fc.record({
    before: rhythm({ maxLength: 8 }),
    older: fc.nat({ max: 2 }),
    thiefFirst: fc.boolean(),
    turns: fc.tuple(turn, turn, turn, turn),
    doubtful: fc.boolean(),
  });
  type Theft = typeof thefts extends fc.Arbitrary<infer T> ? T : never;

  /** Returns the turn, counted from 0, in which the session ended. */
  function turnOfDetection({ before, older, thiefFirst, turns, doubtful }: Theft, step: Step = rotate) {
    let state = INITIAL_STATE;
    let now = 1_000_000;
    const holding = { owner: 1, thief: 0 };
    const given = [1];
    for (const pause of before) {
      now += pause;
      state = step(state, holding.owner, now, G).state;
      given.push((holding.owner = state.current));
    }
    holding.thief = given.at(-1 - older) ?? 1;
    const uncertainUntil = doubtful ? now : -Infinity;
    for (const [turn, pauses] of turns.entries()) {
      const party = (turn % 2 === 0) === thiefFirst ? 'thief' : 'owner';
      for (const pause of pauses) {
        now += pause;
        const outcome = step(state, holding[party], now, G, uncertainUntil);
        if (outcome.outcome === 'reused') return turn;
        state = outcome.state;
        holding[party] = state.current;
      }
    }
    return undefined;
  }

  it('property 2 (detection): reuse is detected by the second turn despite lost writes', () => {
    fc.assert(
      fc.property(thefts, (theft) => (turnOfDetection(theft) ?? 4) <= 2),
      { numRuns: runs(20_000) },
    );
  });

  /** Refreshes in the order of their steps, with the state of the session after each. */
  type Taken = { p: number; now: number; outcome: Rotation }[];
  const recording = (taken: Taken, step: Step): Step => {
    return (state, p, now, ...rest) => {
      const outcome = step(state, p, now, ...rest);
      taken.push({ p, now, outcome });
      return outcome;
    };
  };
  /**
   * Returns the first copy that a thief could use after it should be useless: after two rotations of newer
   * generations, or after one rotation and a pause of more than the grace. Each older generation is presented after
   * each refresh and before the next one.
   */
  function usableCopy(taken: Taken, step: Step) {
    let [newest, second] = [0, 0];
    for (const [i, { p, now, outcome }] of taken.entries()) {
      const { outcome: kind, state } = outcome;
      if (kind === 'reused') return undefined;
      if (kind === 'rotated') [newest, second] = [p, newest];
      const afterPause = Math.max(now, state.rotatedAt + G + 1);
      const next = taken[i + 1]?.now ?? Infinity;
      for (let copy = 1; copy < newest; copy++) {
        const at = copy < second ? now : afterPause;
        if (at <= next && step(state, copy, at, G).outcome !== 'reused') return { copy, at, state };
      }
    }
    return undefined;
  }

  /** Owner and thief refresh in any order, each with its own last cookie. The thief starts with the first cookie of the owner. */
  const twoParties = fc.tuple(
    rhythm({ minLength: 1, maxLength: 40 }),
    fc.array(fc.boolean(), { maxLength: 40 }),
  );
  const withThief = (step: Step) =>
    fc.property(twoParties, ([pauses, thieves]) => {
      const taken: Taken = [];
      const take = recording(taken, step);
      const holding = { owner: 1, thief: 1 };
      let state = INITIAL_STATE;
      let now = 1_000_000;
      for (const [i, pause] of pauses.entries()) {
        const party = thieves[i] === true ? 'thief' : 'owner';
        state = take(state, holding[party], (now += pause), G).state;
        holding[party] = state.current;
      }
      return usableCopy(taken, step) === undefined;
    });
  const withoutThief = (step: Step) =>
    fc.property(histories, (history) => {
      const taken: Taken = [];
      play(history, G, recording(taken, step));
      return usableCopy(taken, step) === undefined;
    });

  it('property 2 (detection): reuse of an outdated copy is detected at once', () => {
    fc.assert(withThief(rotate), { numRuns: runs(20_000) });
  });

  it('property 2 (detection): reuse is detected at once despite tabs and lost answers', () => {
    fc.assert(withoutThief(rotate), { numRuns: runs(5_000) });
  });

  const bottomless: Step = (state, p, ...rest) => rotate({ ...state, oldestValid: 0 }, p, ...rest);
  it.each([
    ['a busy owner left every copy valid', raisedByPausesOnly],
    ['no generation were too old', bottomless],
  ])('reuse of an outdated copy would go undetected if %s', (_, step) => {
    const enough = { numRuns: 20_000, endOnFailure: true };
    expect(fc.check(withThief(step), enough).failed).toBe(true);
    expect(fc.check(withoutThief(step), enough).failed).toBe(true);
  });

  it('reuse in turns would go undetected if a busy owner left every copy valid', () => {
    const found = fc.property(thefts, (theft) => (turnOfDetection(theft, raisedByPausesOnly) ?? 4) <= 2);
    expect(fc.check(found, { numRuns: 20_000, endOnFailure: true }).failed).toBe(true);
  });

  it('reuse would go undetected if abandoned tokens were accepted', () => {
    const forgiving: Step = (state, p, now, grace) => rotate(state, p, now, grace, state.rotatedAt);
    const found = fc.property(thefts, (theft) => (turnOfDetection(theft, forgiving) ?? 4) <= 2);
    expect(fc.check(found, { numRuns: 20_000 }).failed).toBe(true);
  });
});
