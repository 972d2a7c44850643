/**
 * State of a session in the refresh protocol (docs/refresh.md, “The state of a session”). Generations are integers from 1. Times
 * are in ms since 1970, by the store's clock.
 */
export interface RotationState {
  /** Generation that the client should hold. */
  readonly current: number;
  /** Newest generation that was exchanged for a successor. Generations between it and `current` are abandoned. */
  readonly parent: number;
  /** Oldest generation that a request under way may still present. An older generation is a reuse. */
  readonly oldestValid: number;
  /**
   * Oldest generation that a client may still hold because responses to it were lost. At least `oldestValid`, and usually equal
   * to `parent`.
   */
  readonly oldestRetry: number;
  /** Time at which `current` was made. */
  readonly rotatedAt: number;
  /** Time at which `current` was last issued to a client. */
  readonly issuedAt: number;
}

/**
 * State of a new session. `rotatedAt` is 0, so that the first refresh rotates, although a page sends it right after the
 * callback of a provider.
 */
export const INITIAL_STATE: RotationState = {
  current: 1,
  parent: 0,
  oldestValid: 0,
  oldestRetry: 0,
  rotatedAt: 0,
  issuedAt: 0,
};

/**
 * Outcome of a step:
 * - `rotated`: the presented generation gets a new successor.
 * - `reissued`: `current` is issued again, to a sibling tab or after a lost or late response.
 * - `recovered`: the client never received `current`, which is abandoned; a new successor is issued.
 * - `reused`: reuse detection. Two parties hold the session, which has to end.
 */
export type RotationOutcome = 'rotated' | 'reissued' | 'recovered' | 'reused';

/** Outcome of a step, and the state after it. */
export interface Rotation {
  readonly outcome: RotationOutcome;
  readonly state: RotationState;
}

/**
 * Returns the outcome and the next state of a living session when generation `p`, with a valid MAC, is presented at `now`: the
 * table in docs/refresh.md, “The state of a session”.
 *
 * This function is the reference. `rotation.sql.ts` and `rotation.lua.ts` implement the same table, and the suites in
 * test/protocol compare the three on generated histories.
 *
 * @param grace G of docs/refresh.md in ms: at least twice the longest time from sending a request to receiving its response.
 * @param uncertainUntil End of the uncertainty interval (docs/refresh.md, “A store that loses writes”), in which the store may
 *   have lost writes or missed steps. The last issue counts as made at that end at the earliest. If `current` was made by then,
 *   no generation counts as abandoned. `oldestValid` does not advance until the grace after that end is over.
 */
export function rotate(
  state: RotationState,
  p: number,
  now: number,
  grace: number,
  uncertainUntil = -Infinity,
): Rotation {
  const { current, parent, oldestValid, oldestRetry, rotatedAt, issuedAt } = state;
  const [from, to] = uncertainUntil >= rotatedAt ? [oldestValid, current - 1] : [oldestRetry, parent];
  const issuedWithin = now - Math.max(issuedAt, uncertainUntil) <= grace;
  const rotatedWithin = now - rotatedAt <= grace;
  // `current` is rotated only more than G after it was made: by then, responses with older generations have arrived or are lost.
  const certain = p === current && now - uncertainUntil > grace;

  const rotated = (): Rotation => ({
    outcome: 'rotated',
    state: {
      current: p + 1,
      parent: p,
      // Within G of the last response, a request with a generation older than `parent` may still be under way.
      oldestValid: !issuedWithin ? parent : certain ? oldestRetry : oldestValid,
      oldestRetry: !issuedWithin || certain ? p : oldestValid,
      rotatedAt: now,
      issuedAt: now,
    },
  });
  const reissued = (): Rotation => ({ outcome: 'reissued', state: { ...state, issuedAt: now } });
  const recovered = (): Rotation => ({
    outcome: 'recovered',
    state: { ...state, current: current + 1, parent: Math.max(parent, p), rotatedAt: now, issuedAt: now },
  });

  // The MAC is valid, so Daemun made this generation: the store has lost writes.
  if (p > current) return rotated();
  if (p === current) return rotatedWithin ? reissued() : rotated();
  if (from <= p && p <= to) return issuedWithin ? reissued() : recovered();
  return p >= oldestValid && rotatedWithin ? reissued() : { outcome: 'reused', state };
}
