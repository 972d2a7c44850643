import { createClient, Failure, type Reason, type User } from '../../client/src/index.js';
import { makeStore } from '../state/store.js';
import { clearAccountState } from '../state/account-state.js';
import { pageFetch } from './transport.js';

/** The client of the page, which holds the session. */
export const client = createClient({ baseUrl: import.meta.env.VITE_API_URL, fetch: pageFetch });

/** State of the session. `user` is undefined until the server has answered; `outage` is the reason. */
interface AuthState {
  readonly user: User | null | undefined;
  /**
   * Id of the account that is logged in, or was when its session ended; undefined after a logout. Components with
   * data of one account have it as their key.
   */
  readonly lastId: string | undefined;
  readonly reason: Reason | undefined;
  readonly outage: Failure | undefined;
}

/** Pause before the next attempt after an outage, if the server does not name one. */
const RETRY_AFTER_S = 10;
/** Time after which an outage is shown, while the client continues to ask. */
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

/** Restores the session from the refresh cookie, and repeats that until the server answers. A failure is not a logout. */
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

/** Navigates to the login page of a provider, which leads back to `returnTo`. */
export function logInWith(provider: string, returnTo: string): void {
  leavingToLogIn = true;
  client.login(provider, { returnTo });
}

/** Returns true while the browser leaves the page for a provider's login page. */
export function isLeavingToLogIn(): boolean {
  return leavingToLogIn;
}

addEventListener('pageshow', () => (leavingToLogIn = false));

export const useAuthState = authState.use;
export const getAuthState = authState.get;

export function useUser(): User | null | undefined {
  return useAuthState().user;
}
