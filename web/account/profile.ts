import { useEffect } from 'react';
import { Failure } from '../../client/src/index.js';
import type { Person } from '../ui/avatar.js';
import { makeStore } from '../ui/store.js';
import { clearWithAccount } from '../session/account-state.js';
import { callApi } from '../session/api.js';
import { useUser, getAuthState } from '../session/session.js';

/** One's own profile. */
export interface Profile extends Person {
  readonly bio: string;
  readonly locale: 'ko' | 'en';
  readonly createdAt: string;
}

const profile = makeStore<Profile | undefined>(undefined);
clearWithAccount(() => profile.set(undefined));
let asking = '';

/** Puts what the server answered in the place of what was known, unless somebody else is here by now. */
export function holdProfile(next: Profile): void {
  if (next.id === getAuthState().user?.id) profile.set(next);
}

/** One's own profile, wherever it is shown; undefined while it is not known, also because of an outage. */
export function useProfile(): Profile | undefined {
  const user = useUser();
  const known = profile.use();
  useEffect(() => void keep(user?.id), [user?.id]);
  return known !== undefined && known.id === user?.id ? known : undefined;
}

async function keep(userId: string | undefined): Promise<void> {
  if (userId === undefined || profile.get()?.id === userId || asking === userId) return;
  asking = userId;
  try {
    holdProfile(await callApi<Profile>('/users/me'));
  } catch (error) {
    // One is logged in even while ProfileService cannot say who one is to others.
    if (!(error instanceof Failure)) throw error;
  } finally {
    asking = '';
  }
}
