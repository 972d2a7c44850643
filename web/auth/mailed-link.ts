import { makeStore } from '../state/store.js';
import type { MailedLink } from '../session/arrival.js';

const opened = makeStore<MailedLink | undefined>(undefined);

/** Returns the mailed link with which the page was opened. Its page is shown until it is completed or left. */
export const useMailedLink = opened.use;

export const openMailedLink = opened.set;

export function closeMailedLink(): void {
  opened.set(undefined);
}

// The router dispatches this event for every navigation, also to the current path.
addEventListener('pushState', closeMailedLink);
addEventListener('popstate', () => {
  // A jump to a fragment, such as the skip link, is no navigation.
  if (location.hash === '') closeMailedLink();
});
