let isBack = false;
addEventListener('popstate', () => (isBack = true));
// The router dispatches these events for its calls of the History API.
for (const type of ['pushState', 'replaceState']) addEventListener(type, () => (isBack = false));

/** Returns true if the current page was reached by the browser's Back or Forward button. */
export function isHistoryNavigation(): boolean {
  return isBack;
}
