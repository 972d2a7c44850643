/**
 * The refresh protocol's one step, as a pure function. This is the reference: `present.sql.ts` says the same in SQL, and
 * one suite of generated histories holds the two together. docs/refresh.md explains it to users.
 *
 * Generations are whole numbers from 1; times are milliseconds since 1970 by the store's own clock.
 */
export interface RotationState {
  /** The generation that the client should hold. */
  readonly current: number;
  /** The generation that bought `current`. */
  readonly parent: number;
  /** What is older than this can only be a copy. */
  readonly floor: number;
  /** The generation that the next move makes. */
  readonly next: number;
  /** When `current` was made. */
  readonly movedAt: number;
  /** When `current` was last given to anyone. */
  readonly handedAt: number;
}

/** How a session opens. `movedAt` 0 lets the page that comes back from a provider rotate at once. */
export const OPENING: RotationState = { current: 1, parent: 0, floor: 0, next: 2, movedAt: 0, handedAt: 0 };

/**
 * - `rotated`: a successor was made.
 * - `replayed`: a sibling or a repeat; the successor that exists is given again.
 * - `recovered`: the client never received `current`; that one is abandoned, and a new successor made.
 * - `reused`: two parties hold this session; it has to end.
 */
export type Answer = 'rotated' | 'replayed' | 'recovered' | 'reused';

/**
 * What becomes of a living session when generation `p`, whose mac was right, is presented at `now`.
 * `grace` is G of refresh.md in milliseconds: at least twice the longest time that a request and its answer may take.
 */
export function present(
  state: RotationState,
  p: number,
  now: number,
  grace: number,
): { readonly answer: Answer; readonly state: RotationState } {
  const { current, parent, floor, next, movedAt, handedAt } = state;
  const moved = { ...state, current: next, next: next + 1, movedAt: now, handedAt: now };
  const handed = { ...state, handedAt: now };

  // Its mac is right, so we made it: the store has lost writes, and p is further than it remembers.
  if (p >= next)
    return { answer: 'rotated', state: { ...moved, floor: parent, parent: p, current: p + 1, next: p + 2 } };
  if (p === current && now - movedAt > grace)
    return { answer: 'rotated', state: { ...moved, floor: parent, parent: p } };
  if (p === current) return { answer: 'replayed', state: handed };
  if (p === parent && now - handedAt <= grace) return { answer: 'replayed', state: handed };
  if (p === parent) return { answer: 'recovered', state: moved };
  if (floor <= p && p < current && now - movedAt <= grace) return { answer: 'replayed', state: handed };
  return { answer: 'reused', state };
}
