import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { INITIAL_STATE, rotate, type RotationState } from '../../src/auth/sessions/rotation.js';

const G = 20_000;

/** A session that was opened and refreshed at the given times, always with what it was given last. */
function refreshedAt(...times: number[]): RotationState {
  return times.reduce((state, now) => rotate(state, state.current, now, G).state, INITIAL_STATE);
}

describe('a presented generation', () => {
  const T = 1_000_000;
  const twice = refreshedAt(T, T + 60_000);

  it('buys a successor when it is the current one', () => {
    expect(rotate(INITIAL_STATE, 1, T, G)).toEqual({
      outcome: 'rotated',
      state: { current: 2, parent: 1, oldestValid: 0, oldestRetry: 1, rotatedAt: T, issuedAt: T },
    });
  });

  it('is given again while it is so new that a sibling tab may have it', () => {
    expect(rotate(twice, 3, T + 60_000 + G, G)).toMatchObject({ outcome: 'reissued', state: { current: 3 } });
  });

  it('gets the same successor again when its answer was lost a moment ago', () => {
    expect(rotate(twice, 2, T + 60_000 + G, G)).toMatchObject({ outcome: 'reissued', state: { current: 3 } });
  });

  it('keeps the window for lost answers open while the successor is still being handed out', () => {
    const reissued = rotate(twice, 2, T + 60_000 + G, G).state;
    expect(rotate(reissued, 2, T + 60_000 + 2 * G, G).outcome).toBe('reissued');
  });

  it('gets a new successor when it comes back after the window, and the unreceived one is abandoned', () => {
    const late = rotate(twice, 2, T + 200_000, G);
    expect(late).toEqual({
      outcome: 'recovered',
      state: {
        current: 4,
        parent: 2,
        oldestValid: 1,
        oldestRetry: 2,
        rotatedAt: T + 200_000,
        issuedAt: T + 200_000,
      },
    });
  });

  it('ends the session when it was abandoned and somebody held it after all', () => {
    const recovered = rotate(twice, 2, T + 200_000, G).state;
    expect(rotate(recovered, 3, T + 300_000, G).outcome).toBe('reused');
  });

  it('is forgiven as a straggler right after a move, even when it was just abandoned', () => {
    const recovered = rotate(twice, 2, T + 200_000, G).state;
    expect(rotate(recovered, 3, T + 200_000 + G, G).outcome).toBe('reissued');
  });

  it('ends the session when it is older than the parent and the window is over', () => {
    expect(rotate(twice, 1, T + 60_000 + G + 1, G).outcome).toBe('reused');
  });

  it('ends the session at once when it is older than the oldest valid one', () => {
    const thrice = rotate(twice, 3, T + 120_000, G).state;
    expect(rotate(thrice, 1, T + 120_001, G).outcome).toBe('reused');
  });

  it('moves the store forward when it is one that the store has forgotten making', () => {
    expect(rotate(twice, 7, T + 70_000, G)).toEqual({
      outcome: 'rotated',
      state: {
        current: 8,
        parent: 7,
        oldestValid: 1,
        oldestRetry: 1,
        rotatedAt: T + 70_000,
        issuedAt: T + 70_000,
      },
    });
  });

  it('raises the floor only when nobody can still be on the way with what lies below', () => {
    expect(rotate(twice, 7, T + 60_000 + G + 1, G).state.oldestValid).toBe(2);
    expect(rotate(twice, 7, T + 60_000 + G, G).state.oldestValid).toBe(1);
  });
});

describe('after a time in which the store may have forgotten something', () => {
  const T = 1_000_000;
  const late = T + 300_000;
  const twice = refreshedAt(T, T + 60_000);

  it('what was handed out counts as handed out at its end', () => {
    expect(rotate(twice, 2, late, G, late - G).outcome).toBe('reissued');
    expect(rotate(twice, 2, late, G, late - G - 1).outcome).toBe('recovered');
  });

  it('nothing from before it counts as abandoned', () => {
    const recovered = rotate(twice, 2, T + 200_000, G).state;
    expect(rotate(recovered, 3, late, G).outcome).toBe('reused');
    expect(rotate(recovered, 3, late, G, T + 200_000)).toMatchObject({
      outcome: 'recovered',
      state: { parent: 3, current: 5 },
    });
    expect(rotate(recovered, 3, late, G, T + 199_999).outcome).toBe('reused');
  });

  it('what a late answer brought back from before it still buys a successor', () => {
    const ahead = rotate(twice, 4, late, G, late).state;
    expect(ahead).toMatchObject({ current: 5, parent: 4, oldestValid: 1, oldestRetry: 1 });
    expect(rotate(ahead, 3, late + 300_000, G, late).outcome).toBe('recovered');
    expect(rotate(rotate(twice, 4, late, G).state, 3, late + 300_000, G).outcome).toBe('reused');
  });

  it('what is older than the oldest valid one can still only be a copy', () => {
    const thrice = rotate(twice, 3, T + 120_000, G).state;
    expect(rotate(thrice, 1, late, G, late).outcome).toBe('reused');
  });
});

describe('the state of a session', () => {
  const history = fc.array(fc.tuple(fc.nat({ max: 12 }), fc.nat({ max: 60_000 })), { maxLength: 40 });

  it('always has floor <= late <= parent < current, and never makes a generation twice', () => {
    fc.assert(
      fc.property(history, (steps) => {
        let state = INITIAL_STATE;
        let now = 1_000_000;
        let newest = 1;
        for (const [p, elapsed] of steps) {
          now += elapsed;
          const { outcome, state: after } = rotate(state, Math.max(1, p), now, G);
          expect(
            after.oldestValid <= after.oldestRetry &&
              after.oldestRetry <= after.parent &&
              after.parent < after.current,
          ).toBe(true);
          if (outcome === 'rotated' || outcome === 'recovered') {
            expect(after.current).toBeGreaterThan(newest);
            newest = after.current;
          }
          if (outcome === 'reused') expect(after).toEqual(state);
          state = after;
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
