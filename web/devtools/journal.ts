import { makeStore } from '../state/store.js';
import { clearWithAccount } from '../state/account-state.js';

/** One request, as it went. Nothing in it is secret. */
export interface Entry {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  /** `lost`: the server has answered, and the answer did not arrive; `none`: there was no answer. */
  readonly status: number | 'lost' | 'none';
  readonly ms: number;
  readonly kind: 'request' | 'refresh' | 'repeat';
  /** For a repeat: how long it took in all, from the first attempt on. */
  readonly inAll?: number;
  /** Whether another tab of this browser made it. */
  readonly elsewhere: boolean;
}

/** As many as one can want to scroll through. */
const MOST = 60;

const entries = makeStore<readonly Entry[]>([]);
/** Tells the other tabs, so that a panel shows what all of them do. */
const channel = typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel('daemun-watch');
channel?.addEventListener('message', ({ data }: MessageEvent<Entry>) => add({ ...data, elsewhere: true }));

/** Writes a request down, here and in every other tab. */
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

/** Newest first. */
export const useJournal = entries.use;

function add(entry: Entry): void {
  entries.set([entry, ...entries.get()].slice(0, MOST));
}
