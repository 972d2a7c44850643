import { useSyncExternalStore } from 'react';
import { createClient, Failure, type Reason, type User } from '../../client/src/index.js';
import { watchedFetch } from '../watch/transport.js';

/** Who is here. One for the whole page. */
export const client = createClient({ baseUrl: import.meta.env.VITE_API_URL, fetch: watchedFetch });

/** What is known of who is here. `user` is undefined until the server has said; `outage` says why it has not. */
export interface Standing {
  readonly user: User | null | undefined;
  readonly reason: Reason | undefined;
  readonly outage: Failure | undefined;
}

/** How long (s) to wait before asking again after an outage, when the server does not say. */
const PATIENCE = 10;

let standing: Standing = { user: client.user, reason: undefined, outage: undefined };
let asksAgain: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();

function become(next: Standing): void {
  standing = next;
  clearTimeout(asksAgain);
  for (const listener of listeners) listener();
}

client.onChange(({ user, reason }) => become({ user, reason, outage: undefined }));

/** Asks the server who is here, until it answers. Not knowing is not being logged out. */
export async function findOutWhoIsHere(): Promise<void> {
  try {
    const user = await client.refresh();
    become({ ...standing, user, outage: undefined });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    become({ ...standing, outage: error });
    asksAgain = setTimeout(() => void findOutWhoIsHere(), (error.retryAfter ?? PATIENCE) * 1_000);
  }
}

export function useStanding(): Standing {
  return useSyncExternalStore(subscribe, () => standing);
}

export function useUser(): User | null | undefined {
  return useStanding().user;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}
