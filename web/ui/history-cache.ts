import { clearWithAccount } from '../session/account-state.js';

let back = false;
addEventListener('popstate', () => (back = true));
// The router makes events of these.
for (const forth of ['pushState', 'replaceState']) addEventListener(forth, () => (back = false));

/** Whether the person has come to what is shown by the browser's Back (or Forward), and so was there before. */
export function isHistoryNavigation(): boolean {
  return back;
}

/** As many lists as one may want to go back to. */
const MOST = 20;

const kept = new Map<string, unknown>();

/** Keeps what is shown, so that whoever goes back finds it as it was, at once. Only for what is anyone's to see. */
export function cacheForHistory(key: string, data: unknown): void {
  kept.delete(key);
  kept.set(key, data);
  const [oldest] = kept.keys();
  if (kept.size > MOST && oldest !== undefined) kept.delete(oldest);
}

/** For after a change of what is in lists. */
export function clearHistoryCache(): void {
  kept.clear();
}
clearWithAccount(clearHistoryCache);

/** What was kept, if the person has gone back. */
export function findCached(key: string): unknown {
  return back ? kept.get(key) : undefined;
}
