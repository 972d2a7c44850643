import { useLoad } from '../frame/load.js';
import { ask } from '../session/ask.js';

/** The ways into the account. */
export interface WaysIn {
  readonly identities: readonly {
    readonly provider: string;
    readonly linkedAt: string;
    readonly email?: string;
  }[];
  readonly passwordSet: boolean;
}

/** Loads the ways into the account. */
export function useWaysIn() {
  return useLoad('ways', (signal) => ask<WaysIn>('/auth/identities', { signal }));
}
