/**
 * The refresh protocol's one step, as a pure function. This is the reference: `rotation.sql.ts` says the same in SQL,
 * `rotation.lua.ts` in Lua, and one suite of generated histories holds the three together. docs/refresh.md explains it.
 *
 * Generations are whole numbers from 1; times are milliseconds since 1970 by the store's own clock.
 */
export interface RotationState {
  /** The generation that the client should hold. */
  readonly current: number;
  /** The newest generation that bought something. Those between it and `current` are abandoned. */
  readonly parent: number;
  /** What is older than this can only be a copy. */
  readonly oldestValid: number;
  /** What is older than this cannot come from an answer that got lost long ago. Above the oldestValid, and mostly `parent`. */
  readonly oldestRetry: number;
  /** When `current` was made. */
  readonly rotatedAt: number;
  /** When `current` was last given to anyone. */
  readonly issuedAt: number;
}

/** How a session opens. `rotatedAt` 0 lets the page that comes back from a provider rotate at once. */
export const INITIAL_STATE: RotationState = {
  current: 1,
  parent: 0,
  oldestValid: 0,
  oldestRetry: 0,
  rotatedAt: 0,
  issuedAt: 0,
};

/**
 * - `rotated`: a successor was made.
 * - `reissued`: a sibling or a repeat; the successor that exists is given again.
 * - `recovered`: the client never received `current`; that one is abandoned, and a new successor made.
 * - `reused`: two parties hold this session; it has to end.
 */
export type RotationOutcome = 'rotated' | 'reissued' | 'recovered' | 'reused';

/** What a step does to a session. */
export interface Rotation {
  readonly outcome: RotationOutcome;
  readonly state: RotationState;
}

/**
 * What becomes of a living session when generation `p`, whose mac was right, is presented at `now`.
 *
 * `grace` is G of refresh.md in milliseconds: at least twice the longest time that a request and its answer may take.
 * `uncertainUntil` is until when the store may have forgotten, or not have seen, what was done. What was handed out in that time
 * counts as handed out at its end, nothing of that time counts as abandoned, and the oldestValid stays where it is.
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
  // Every older answer was given more than G ago, so none can still reach the client that presents `current`.
  const certain = p === current && now - uncertainUntil > grace;

  const rotated = (): Rotation => ({
    outcome: 'rotated',
    state: {
      current: p + 1,
      parent: p,
      // Within the grace of the last answer, a request can still be under way with a generation older than `parent`.
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

  // Its mac is right, so we made it: the store has lost writes, and p is further than it remembers.
  if (p > current) return rotated();
  if (p === current) return rotatedWithin ? reissued() : rotated();
  if (from <= p && p <= to) return issuedWithin ? reissued() : recovered();
  return p >= oldestValid && rotatedWithin ? reissued() : { outcome: 'reused', state };
}
