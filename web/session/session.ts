import { createClient, Failure, type Reason, type User } from '../../client/src/index.js';
import { makeStore } from '../state/store.js';
import { clearAccountState } from '../state/account-state.js';
import { pageFetch } from './transport.js';

/** Who is here. One for the whole page. */
export const client = createClient({ baseUrl: import.meta.env.VITE_API_URL, fetch: pageFetch });

/** What is known of who is here. `user` is undefined until the server has said; `outage` says why it has not. */
export interface AuthState {
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
const RETRY_AFTER_S = 10;
/** How long (ms) to leave the person without a word, while the client goes on asking. */
const OUTAGE_NOTICE_AFTER_MS = 5_000;

const authState = makeStore<AuthState>({
  user: client.user,
  lastId: undefined,
  reason: undefined,
  outage: undefined,
});
let retryTimer: ReturnType<typeof setTimeout> | undefined;

function setAuthState(next: Omit<AuthState, 'lastId'>): void {
  clearTimeout(retryTimer);
  const before = authState.get().lastId;
  const lastId = next.user?.id ?? (next.reason === 'logout' ? undefined : before);
  if (before !== undefined && lastId !== before) clearAccountState();
  authState.set({ ...next, lastId });
}

client.onChange(({ user, reason }) => setAuthState({ user, reason, outage: undefined }));

/** Asks the server who is here, until it answers. Not knowing is not being logged out. */
export async function restoreSession(): Promise<void> {
  const silence = setTimeout(
    () => setAuthState({ ...authState.get(), outage: new Failure('unreachable') }),
    OUTAGE_NOTICE_AFTER_MS,
  );
  try {
    const user = await client.refresh();
    setAuthState({ ...authState.get(), user, outage: undefined });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    setAuthState({ ...authState.get(), outage: error });
    retryTimer = setTimeout(() => void restoreSession(), (error.retryAfter ?? RETRY_AFTER_S) * 1_000);
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

export const useAuthState = authState.use;
export const getAuthState = authState.get;

export function useUser(): User | null | undefined {
  return useAuthState().user;
}
