/**
 * The refresh protocol's one step, as a pure function. This is the reference: `present.sql.ts` says the same in SQL,
 * `present.lua.ts` in Lua, and one suite of generated histories holds the three together. docs/refresh.md explains it.
 *
 * Generations are whole numbers from 1; times are milliseconds since 1970 by the store's own clock.
 */
export interface RotationState {
  /** The generation that the client should hold. */
  readonly current: number;
  /** The newest generation that bought something. Those between it and `current` are abandoned. */
  readonly parent: number;
  /** What is older than this can only be a copy. */
  readonly floor: number;
  /** What is older than this cannot come from an answer that got lost long ago. Above the floor, and mostly `parent`. */
  readonly late: number;
  /** When `current` was made. */
  readonly movedAt: number;
  /** When `current` was last given to anyone. */
  readonly handedAt: number;
}

/** How a session opens. `movedAt` 0 lets the page that comes back from a provider rotate at once. */
export const OPENING: RotationState = { current: 1, parent: 0, floor: 0, late: 0, movedAt: 0, handedAt: 0 };

/**
 * - `rotated`: a successor was made.
 * - `replayed`: a sibling or a repeat; the successor that exists is given again.
 * - `recovered`: the client never received `current`; that one is abandoned, and a new successor made.
 * - `reused`: two parties hold this session; it has to end.
 */
export type Answer = 'rotated' | 'replayed' | 'recovered' | 'reused';

/** What a step does to a session. */
export interface Outcome {
  readonly answer: Answer;
  readonly state: RotationState;
}

/**
 * What becomes of a living session when generation `p`, whose mac was right, is presented at `now`.
 *
 * `grace` is G of refresh.md in milliseconds: at least twice the longest time that a request and its answer may take.
 * `doubt` is until when the store may have forgotten, or not have seen, what was done. What was handed out in that time
 * counts as handed out at its end, nothing of that time counts as abandoned, and the floor stays where it is.
 */
export function present(
  state: RotationState,
  p: number,
  now: number,
  grace: number,
  doubt = -Infinity,
): Outcome {
  const { current, parent, floor, late, movedAt, handedAt } = state;
  const [from, to] = doubt >= movedAt ? [floor, current - 1] : [late, parent];
  const handedWithin = now - Math.max(handedAt, doubt) <= grace;
  const movedWithin = now - movedAt <= grace;
  // Every older answer was given more than G ago, so none can still reach the client that presents `current`.
  const certain = p === current && now - doubt > grace;

  const rotated = (): Outcome => ({
    answer: 'rotated',
    state: {
      current: p + 1,
      parent: p,
      // Within the grace of the last answer, a request can still be under way with a generation older than `parent`.
      floor: !handedWithin ? parent : certain ? late : floor,
      late: !handedWithin || certain ? p : floor,
      movedAt: now,
      handedAt: now,
    },
  });
  const replayed = (): Outcome => ({ answer: 'replayed', state: { ...state, handedAt: now } });
  const recovered = (): Outcome => ({
    answer: 'recovered',
    state: { ...state, current: current + 1, parent: Math.max(parent, p), movedAt: now, handedAt: now },
  });

  // Its mac is right, so we made it: the store has lost writes, and p is further than it remembers.
  if (p > current) return rotated();
  if (p === current) return movedWithin ? replayed() : rotated();
  if (from <= p && p <= to) return handedWithin ? replayed() : recovered();
  return p >= floor && movedWithin ? replayed() : { answer: 'reused', state };
}
