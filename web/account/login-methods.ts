import { useLoad } from '../ui/use-load.js';
import { callApi } from '../session/api.js';

/** The ways into the account. */
export interface LoginMethods {
  readonly identities: readonly {
    readonly provider: string;
    readonly linkedAt: string;
    readonly email?: string;
  }[];
  readonly passwordSet: boolean;
}

/** Loads the ways into the account. */
export function useLoginMethods() {
  return useLoad('ways', (signal) => callApi<LoginMethods>('/auth/identities', { signal }));
}
