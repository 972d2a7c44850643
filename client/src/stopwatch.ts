/**
 * Returns a function that returns the elapsed milliseconds. It takes the larger one of two clocks: the monotonic
 * clock, which cannot be set, and the wall clock, which runs while the machine is suspended. If the wall clock is set
 * forward, the token is renewed early, which is harmless.
 */
export function startStopwatch(): () => number {
  const steady = performance.now();
  const wall = Date.now();
  return () => Math.max(performance.now() - steady, Date.now() - wall);
}
