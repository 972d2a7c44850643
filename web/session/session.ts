import { createClient, Failure, type Reason, type User } from '../../client/src/index.js';
import { makeStore } from '../frame/store.js';
import { noticeToken } from '../watch/seen-token.js';
import { watchedFetch } from '../watch/transport.js';
import { clearAccountState } from './account-state.js';

/** Who is here. One for the whole page. */
export const client = createClient({ baseUrl: import.meta.env.VITE_API_URL, fetch: watchedFetch });

/** What is known of who is here. `user` is undefined until the server has said; `outage` says why it has not. */
export interface Standing {
  readonly user: User | null | undefined;
  /**
   * The id of the account that is logged in, or was when its session ended; undefined after a log-out. Parts of the page that
   * belong to one account have it as their key.
   */
  readonly lastId: string | undefined;
  readonly reason: Reason | undefined;
  readonly outage: Failure | undefined;
}

/** How long (s) to wait before asking again after an outage, when the server does not say. */
const PATIENCE = 10;
/** How long (ms) to leave the person without a word, while the client goes on asking. */
const SILENCE_MS = 5_000;

const standing = makeStore<Standing>({
  user: client.user,
  lastId: undefined,
  reason: undefined,
  outage: undefined,
});
let asksAgain: ReturnType<typeof setTimeout> | undefined;

function become(next: Omit<Standing, 'lastId'>): void {
  clearTimeout(asksAgain);
  const before = standing.get().lastId;
  const lastId = next.user?.id ?? (next.reason === 'logout' ? undefined : before);
  if (before !== undefined && lastId !== before) clearAccountState();
  standing.set({ ...next, lastId });
}

client.onChange(({ user, reason }) => {
  if (user === null) noticeToken(undefined);
  become({ user, reason, outage: undefined });
});

/** Asks the server who is here, until it answers. Not knowing is not being logged out. */
export async function findOutWhoIsHere(): Promise<void> {
  const silence = setTimeout(
    () => become({ ...standing.get(), outage: new Failure('unreachable') }),
    SILENCE_MS,
  );
  try {
    const user = await client.refresh();
    become({ ...standing.get(), user, outage: undefined });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    become({ ...standing.get(), outage: error });
    asksAgain = setTimeout(() => void findOutWhoIsHere(), (error.retryAfter ?? PATIENCE) * 1_000);
  } finally {
    clearTimeout(silence);
  }
}

let leavingToLogIn = false;

/** Sends the browser to the log-in page of a provider; it comes back to `returnTo`. */
export function logInWith(provider: string, returnTo: string): void {
  leavingToLogIn = true;
  client.login(provider, { returnTo });
}

/** True while the page is being left for the log-in page of a provider. */
export function isLeavingToLogIn(): boolean {
  return leavingToLogIn;
}

addEventListener('pageshow', () => (leavingToLogIn = false));

export const useStanding = standing.use;
export const whoIsHere = standing.get;

export function useUser(): User | null | undefined {
  return useStanding().user;
}
