import type { LoginMethods } from '../../src/auth/social/schemas.js';
import { callApi } from '../session/api.js';
import { useAccountKey } from '../session/queries.js';
import { useLoad } from '../ui/use-load.js';

export type { LoginMethods };

export function useLoginMethods() {
  return useLoad(useAccountKey('login-methods'), (signal) =>
    callApi<LoginMethods>('/auth/identities', { signal }),
  );
}
