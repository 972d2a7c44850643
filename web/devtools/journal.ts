import { makeStore } from '../state/store.js';
import { clearWithAccount } from '../state/account-state.js';

/** A request and its result, without secrets. */
export interface Entry {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  /** `lost`: the response was withheld from the page. `none`: there was no response. */
  readonly status: number | 'lost' | 'none';
  readonly ms: number;
  readonly kind: 'request' | 'refresh' | 'repeat';
  /** Milliseconds since the first attempt, for a repeated request. */
  readonly inAll?: number;
  /** True if another tab of this browser sent the request. */
  readonly elsewhere: boolean;
}

/** Requests that the journal keeps. */
const MOST = 60;

const entries = makeStore<readonly Entry[]>([]);
/** Sends entries to the panels of the other tabs. */
const channel = typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel('daemun-watch');
channel?.addEventListener('message', ({ data }: MessageEvent<Entry>) => add({ ...data, elsewhere: true }));

/** Adds a request to the journals of all tabs. */
export function note(entry: Omit<Entry, 'id' | 'elsewhere'>): void {
  const noted = { ...entry, id: `${Date.now()}-${Math.random()}`, elsewhere: false };
  add(noted);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel belongs to one origin
  channel?.postMessage(noted);
}

export function clearJournal(): void {
  entries.set([]);
}
clearWithAccount(clearJournal);

/** Returns the entries, newest first. */
export const useJournal = entries.use;

function add(entry: Entry): void {
  entries.set([entry, ...entries.get()].slice(0, MOST));
}
