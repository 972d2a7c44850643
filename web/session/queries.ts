import { QueryClient, type QueryKey } from '@tanstack/react-query';
import { Failure } from '../../client/src/index.js';
import { clearWithAccount } from '../state/account-state.js';
import { ConnectionFailure } from './api.js';
import { client, useAuthState } from './session.js';

/** Retries of a read while the server cannot be reached: enough for a restart of the server. */
const MAX_RETRIES = 20;
const RETRY_PAUSE_MS = 1_000;
/** Time for which the browser's Back finds a list as it was. */
const CACHE_MS = 30 * 60_000;

/** Errors other than {@link Failure} are bugs of the page, so that the error boundary shows them. */
const throwOnError = (error: Error): boolean => !(error instanceof Failure);

/** Cache of API responses. Reads are repeated after lost connections only; nothing is refetched in the background. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      gcTime: CACHE_MS,
      networkMode: 'always',
      refetchOnReconnect: false,
      refetchOnWindowFocus: false,
      retry: (failures, error) =>
        error instanceof ConnectionFailure && navigator.onLine && failures < MAX_RETRIES,
      retryDelay: RETRY_PAUSE_MS,
      throwOnError,
    },
    mutations: { networkMode: 'always', throwOnError },
  },
});

/** First part of the keys of data that belong to one account. */
const ACCOUNT = 'account';

/** Returns the query key of data of one account, so that no other account can read them. */
export function accountKey(accountId: string | undefined, name: string): QueryKey {
  return [ACCOUNT, accountId, name];
}

/** Like {@link accountKey}, for the account that is logged in. */
export function useAccountKey(name: string): QueryKey {
  return accountKey(useAuthState().lastId, name);
}

/** Drops responses that no component shows, such as lists that lack a post just written. */
export function dropCachedQueries(): void {
  queryClient.removeQueries({ type: 'inactive' });
}

clearWithAccount(() => {
  queryClient.removeQueries({ queryKey: [ACCOUNT] });
  dropCachedQueries();
});

// Repeats reads that were refused because the session had ended.
client.onChange(({ reason }) => {
  if (reason !== 'login') return;
  void queryClient.refetchQueries({ type: 'active', predicate: ({ state }) => state.status === 'error' });
});
