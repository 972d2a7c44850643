/** How often to look whether the machine has slept: no event says so. */
const CHECK_INTERVAL_MS = 30_000;

/**
 * Calls back whenever a page in use may have something to do: when `dueIn` milliseconds have passed, when it is shown
 * again, and when the network or the machine wakes. Not while it is hidden, where it would keep asking for days.
 * @param hearsNothing whether other tabs cannot tell this one anything
 * @param wake is told whether the page was out of reach, so that news may have passed it by
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
    // What was due just now, and may not have come, is tried again with the next look.
    setTimeout(tick, due > 0 ? Math.min(due, CHECK_INTERVAL_MS) : CHECK_INTERVAL_MS);
  };
  setTimeout(tick, CHECK_INTERVAL_MS);
  // Caught on their way down, since not all of them come up from the document.
  for (const event of ['visibilitychange', 'resume', 'online']) {
    globalThis.addEventListener?.(event, () => look(hearsNothing), true);
  }
  globalThis.addEventListener?.('pageshow', ({ persisted }) => persisted && look(true));
}
