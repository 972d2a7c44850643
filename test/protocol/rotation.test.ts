import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { INITIAL_STATE, rotate, type RotationState } from '../../src/auth/sessions/rotation.js';

const G = 20_000;

/** Returns the state of a session that was opened and refreshed at the given times, always with the current generation. */
function refreshedAt(...times: number[]): RotationState {
  return times.reduce((state, now) => rotate(state, state.current, now, G).state, INITIAL_STATE);
}

describe('the rotation step, given a generation,', () => {
  const T = 1_000_000;
  const twice = refreshedAt(T, T + 60_000);

  it('rotates the current generation', () => {
    expect(rotate(INITIAL_STATE, 1, T, G)).toEqual({
      outcome: 'rotated',
      state: { current: 2, parent: 1, oldestValid: 0, oldestRetry: 1, rotatedAt: T, issuedAt: T },
    });
  });

  it('reissues the current generation to a sibling tab within the grace', () => {
    expect(rotate(twice, 3, T + 60_000 + G, G)).toMatchObject({ outcome: 'reissued', state: { current: 3 } });
  });

  it('reissues the same successor after a lost response', () => {
    expect(rotate(twice, 2, T + 60_000 + G, G)).toMatchObject({ outcome: 'reissued', state: { current: 3 } });
  });

  it('keeps the retry window open while the successor is still being issued', () => {
    const reissued = rotate(twice, 2, T + 60_000 + G, G).state;
    expect(rotate(reissued, 2, T + 60_000 + 2 * G, G).outcome).toBe('reissued');
  });

  it('issues a new successor to a retry after the window and abandons the lost token', () => {
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

  it('ends the session on reuse of an abandoned generation', () => {
    const recovered = rotate(twice, 2, T + 200_000, G).state;
    expect(rotate(recovered, 3, T + 300_000, G).outcome).toBe('reused');
  });

  it('reissues to a straggler right after a rotation, even to an abandoned generation', () => {
    const recovered = rotate(twice, 2, T + 200_000, G).state;
    expect(rotate(recovered, 3, T + 200_000 + G, G).outcome).toBe('reissued');
  });

  it('ends the session on reuse of a generation older than the parent after the window', () => {
    expect(rotate(twice, 1, T + 60_000 + G + 1, G).outcome).toBe('reused');
  });

  it('ends the session at once on reuse of a generation older than `oldestValid`', () => {
    const thrice = rotate(twice, 3, T + 120_000, G).state;
    expect(rotate(thrice, 1, T + 120_001, G).outcome).toBe('reused');
  });

  it('moves the state forward for a generation ahead of a store with lost writes', () => {
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

  it('raises `oldestValid` only after requests with older generations have ended', () => {
    expect(rotate(twice, 7, T + 60_000 + G + 1, G).state.oldestValid).toBe(2);
    expect(rotate(twice, 7, T + 60_000 + G, G).state.oldestValid).toBe(1);
  });
});

describe('the rotation step after an uncertainty interval', () => {
  const T = 1_000_000;
  const late = T + 300_000;
  const twice = refreshedAt(T, T + 60_000);

  it('treats a generation from the interval as issued at its end', () => {
    expect(rotate(twice, 2, late, G, late - G).outcome).toBe('reissued');
    expect(rotate(twice, 2, late, G, late - G - 1).outcome).toBe('recovered');
  });

  it('treats no generation from the interval as abandoned', () => {
    const recovered = rotate(twice, 2, T + 200_000, G).state;
    expect(rotate(recovered, 3, late, G).outcome).toBe('reused');
    expect(rotate(recovered, 3, late, G, T + 200_000)).toMatchObject({
      outcome: 'recovered',
      state: { parent: 3, current: 5 },
    });
    expect(rotate(recovered, 3, late, G, T + 199_999).outcome).toBe('reused');
  });

  it('issues a successor for a generation from the interval after a late response', () => {
    const ahead = rotate(twice, 4, late, G, late).state;
    expect(ahead).toMatchObject({ current: 5, parent: 4, oldestValid: 1, oldestRetry: 1 });
    expect(rotate(ahead, 3, late + 300_000, G, late).outcome).toBe('recovered');
    expect(rotate(rotate(twice, 4, late, G).state, 3, late + 300_000, G).outcome).toBe('reused');
  });

  it('ends the session on reuse older than `oldestValid` despite uncertainty', () => {
    const thrice = rotate(twice, 3, T + 120_000, G).state;
    expect(rotate(thrice, 1, late, G, late).outcome).toBe('reused');
  });
});

describe('the state of a session', () => {
  const history = fc.array(fc.tuple(fc.nat({ max: 12 }), fc.nat({ max: 60_000 })), { maxLength: 40 });

  it('keeps oldestValid <= oldestRetry <= parent < current and repeats no generation', () => {
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
