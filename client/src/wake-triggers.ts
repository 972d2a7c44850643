/** Interval of the check for a suspended machine, for which browsers have no event. */
const CHECK_INTERVAL_MS = 30_000;

/**
 * Calls `wake` when `dueIn` milliseconds have passed, when the page becomes visible, and when the network or the
 * machine comes back. A hidden page is not called, since it would send requests for days.
 * @param hearsNothing true if other tabs cannot send messages to this tab
 * @param wake called with true if the page may have missed messages
 */
export function onWake(
  dueIn: () => number,
  hearsNothing: boolean,
  wake: (missedNews: boolean) => void,
): void {
  const look = (missedNews = false) => {
    if (!globalThis.document?.hidden) wake(missedNews);
  };
  const tick = () => {
    look();
    const due = dueIn();
    // A renewal that was due and has failed is tried again at the next check.
    setTimeout(tick, due > 0 ? Math.min(due, CHECK_INTERVAL_MS) : CHECK_INTERVAL_MS);
  };
  setTimeout(tick, CHECK_INTERVAL_MS);
  // The capture phase, since some of these events do not bubble to the window.
  for (const event of ['visibilitychange', 'resume', 'online']) {
    globalThis.addEventListener?.(event, () => look(hearsNothing), true);
  }
  globalThis.addEventListener?.('pageshow', ({ persisted }) => persisted && look(true));
}
