import { useQuery } from '@tanstack/react-query';
import type { OwnProfile } from '../../src/users/schemas.js';
import { callApi } from './api.js';
import { accountKey, queryClient } from './queries.js';
import { useUser } from './session.js';

/** Replaces the profile in the cache by the response to a change. */
export function setProfile(profile: OwnProfile): void {
  queryClient.setQueryData<OwnProfile>(accountKey(profile.id, 'profile'), profile);
}

/** Returns the profile of the user; undefined until it is loaded, and during an outage of profiles. */
export function useProfile(): OwnProfile | undefined {
  const user = useUser();
  const { data } = useQuery({
    queryKey: accountKey(user?.id, 'profile'),
    queryFn: ({ signal }) => callApi<OwnProfile>('/users/me', { signal }),
    enabled: Boolean(user),
    staleTime: Infinity,
  });
  return data;
}
