/**
 * Tells how many milliseconds have passed, by whichever of two clocks has run further: one that nobody can set, and one
 * that goes on while the machine sleeps. Neither is compared with the server's, so it does not matter what they show; a
 * clock that is set forward only makes a token be renewed early.
 */
export function startStopwatch(): () => number {
  const steady = performance.now();
  const wall = Date.now();
  return () => Math.max(performance.now() - steady, Date.now() - wall);
}
