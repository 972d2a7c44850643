import { makeStore } from '../state/store.js';
import type { MailedLink } from '../session/arrival.js';

const opened = makeStore<MailedLink | undefined>(undefined);

/** The link with which somebody has come. It is shown in the place of the page, until it is done or they go elsewhere. */
export const useMailedLink = opened.use;

export const openMailedLink = opened.set;

export function closeMailedLink(): void {
  opened.set(undefined);
}

// The router tells of whoever goes on with this event, also when that is to the path where they are.
addEventListener('pushState', closeMailedLink);
addEventListener('popstate', () => {
  // Who only jumps within the page, such as to its content, stays.
  if (location.hash === '') closeMailedLink();
});
