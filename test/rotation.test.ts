import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { OPENING, present, type RotationState } from '../src/auth/sessions/rotation.js';

const G = 20_000;

/** A session that was opened and refreshed at the given times, always with what it was given last. */
function refreshedAt(...times: number[]): RotationState {
  return times.reduce((state, now) => present(state, state.current, now, G).state, OPENING);
}

describe('a presented generation', () => {
  const T = 1_000_000;
  const twice = refreshedAt(T, T + 60_000);

  it('buys a successor when it is the current one', () => {
    expect(present(OPENING, 1, T, G)).toEqual({
      answer: 'rotated',
      state: { current: 2, parent: 1, floor: 0, late: 1, movedAt: T, handedAt: T },
    });
  });

  it('is given again while it is so new that a sibling tab may have it', () => {
    expect(present(twice, 3, T + 60_000 + G, G)).toMatchObject({ answer: 'replayed', state: { current: 3 } });
  });

  it('gets the same successor again when its answer was lost a moment ago', () => {
    expect(present(twice, 2, T + 60_000 + G, G)).toMatchObject({ answer: 'replayed', state: { current: 3 } });
  });

  it('keeps the window for lost answers open while the successor is still being handed out', () => {
    const replayed = present(twice, 2, T + 60_000 + G, G).state;
    expect(present(replayed, 2, T + 60_000 + 2 * G, G).answer).toBe('replayed');
  });

  it('gets a new successor when it comes back after the window, and the unreceived one is abandoned', () => {
    const late = present(twice, 2, T + 200_000, G);
    expect(late).toEqual({
      answer: 'recovered',
      state: { current: 4, parent: 2, floor: 1, late: 2, movedAt: T + 200_000, handedAt: T + 200_000 },
    });
  });

  it('ends the session when it was abandoned and somebody held it after all', () => {
    const recovered = present(twice, 2, T + 200_000, G).state;
    expect(present(recovered, 3, T + 300_000, G).answer).toBe('reused');
  });

  it('is forgiven as a straggler right after a move, even when it was just abandoned', () => {
    const recovered = present(twice, 2, T + 200_000, G).state;
    expect(present(recovered, 3, T + 200_000 + G, G).answer).toBe('replayed');
  });

  it('ends the session when it is older than the parent and the window is over', () => {
    expect(present(twice, 1, T + 60_000 + G + 1, G).answer).toBe('reused');
  });

  it('ends the session at once when it is older than the floor', () => {
    const thrice = present(twice, 3, T + 120_000, G).state;
    expect(present(thrice, 1, T + 120_001, G).answer).toBe('reused');
  });

  it('moves the store forward when it is one that the store has forgotten making', () => {
    expect(present(twice, 7, T + 70_000, G)).toEqual({
      answer: 'rotated',
      state: { current: 8, parent: 7, floor: 1, late: 1, movedAt: T + 70_000, handedAt: T + 70_000 },
    });
  });

  it('raises the floor only when nobody can still be on the way with what lies below', () => {
    expect(present(twice, 7, T + 60_000 + G + 1, G).state.floor).toBe(2);
    expect(present(twice, 7, T + 60_000 + G, G).state.floor).toBe(1);
  });
});

describe('after a time in which the store may have forgotten something', () => {
  const T = 1_000_000;
  const late = T + 300_000;
  const twice = refreshedAt(T, T + 60_000);

  it('what was handed out counts as handed out at its end', () => {
    expect(present(twice, 2, late, G, late - G).answer).toBe('replayed');
    expect(present(twice, 2, late, G, late - G - 1).answer).toBe('recovered');
  });

  it('nothing from before it counts as abandoned', () => {
    const recovered = present(twice, 2, T + 200_000, G).state;
    expect(present(recovered, 3, late, G).answer).toBe('reused');
    expect(present(recovered, 3, late, G, T + 200_000)).toMatchObject({
      answer: 'recovered',
      state: { parent: 3, current: 5 },
    });
    expect(present(recovered, 3, late, G, T + 199_999).answer).toBe('reused');
  });

  it('what a late answer brought back from before it still buys a successor', () => {
    const ahead = present(twice, 4, late, G, late).state;
    expect(ahead).toMatchObject({ current: 5, parent: 4, floor: 1, late: 1 });
    expect(present(ahead, 3, late + 300_000, G, late).answer).toBe('recovered');
    expect(present(present(twice, 4, late, G).state, 3, late + 300_000, G).answer).toBe('reused');
  });

  it('what is older than the floor can still only be a copy', () => {
    const thrice = present(twice, 3, T + 120_000, G).state;
    expect(present(thrice, 1, late, G, late).answer).toBe('reused');
  });
});

describe('the state of a session', () => {
  const history = fc.array(fc.tuple(fc.nat({ max: 12 }), fc.nat({ max: 60_000 })), { maxLength: 40 });

  it('always has floor <= late <= parent < current, and never makes a generation twice', () => {
    fc.assert(
      fc.property(history, (steps) => {
        let state = OPENING;
        let now = 1_000_000;
        let newest = 1;
        for (const [p, elapsed] of steps) {
          now += elapsed;
          const { answer, state: after } = present(state, Math.max(1, p), now, G);
          expect(
            after.floor <= after.late && after.late <= after.parent && after.parent < after.current,
          ).toBe(true);
          if (answer === 'rotated' || answer === 'recovered') {
            expect(after.current).toBeGreaterThan(newest);
            newest = after.current;
          }
          if (answer === 'reused') expect(after).toEqual(state);
          state = after;
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
