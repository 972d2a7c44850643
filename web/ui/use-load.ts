import {
  hashKey,
  useInfiniteQuery,
  useQuery,
  useQueryClient,
  type InfiniteData,
  type QueryKey,
  type UseQueryOptions,
} from '@tanstack/react-query';
import { useState } from 'react';
import { isHistoryNavigation } from './history-navigation.js';

/** Result of a query as {@link Async} shows it. */
export interface Loaded<T> {
  readonly data: T | undefined;
  readonly error: Error | null;
  readonly refetch: () => Promise<unknown>;
}

interface Options<T> {
  /** True if the response is the same for every user: after the browser's Back it is shown as it was, with no request. */
  readonly isPublic?: boolean;
  /** Data to show under a new key until they are loaded, computed from the data of the key before. */
  readonly placeholder?: UseQueryOptions<T>['placeholderData'];
}

/** Loads data when the component is mounted, and when `key` changes. The key identifies the data for the whole page. */
export function useLoad<T>(
  key: QueryKey,
  load: (signal: AbortSignal) => Promise<T>,
  { isPublic = false, placeholder }: Options<T> = {},
): Loaded<T> {
  const staleTime = useStaleTime(key, isPublic);
  return useQuery<T, Error, T>({
    queryKey: key,
    queryFn: ({ signal }) => load(signal),
    staleTime,
    placeholderData: placeholder,
  });
}

/** A page of a list, as the API returns it. */
interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

/** Cached pages of a list. */
export type PagesData<T> = InfiniteData<Page<T>, string | undefined>;

/** A list that grows by a page at a time. */
interface Pages<T> {
  readonly loaded: Loaded<readonly T[]>;
  /** Undefined on the last page. */
  readonly next: NextPage | undefined;
}

/** The next page of a list. */
export interface NextPage {
  readonly load: () => void;
  readonly isLoading: boolean;
  readonly error: Error | null;
}

/** Loads the first page of a list like {@link useLoad}. `load` gets the cursor of the page to load. */
export function usePages<T>(
  key: QueryKey,
  load: (cursor: string | undefined, signal: AbortSignal | undefined) => Promise<Page<T>>,
  { isPublic = false }: { readonly isPublic?: boolean } = {},
): Pages<T> {
  const staleTime = useStaleTime(key, isPublic);
  const query = useInfiniteQuery({
    queryKey: key,
    // A next page is loaded to its end even if the user leaves, since the browser's Back shows it.
    queryFn: (context) =>
      load(context.pageParam, context.pageParam === undefined ? context.signal : undefined),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    staleTime,
  });
  const { data, error, refetch, fetchNextPage, hasNextPage, isFetchingNextPage, isFetchNextPageError } =
    query;
  return {
    loaded: {
      data: data?.pages.flatMap(({ items }) => items),
      // The pages before stay on the screen.
      error: isFetchNextPageError ? null : error,
      refetch,
    },
    next: hasNextPage
      ? {
          load: () => void fetchNextPage(),
          isLoading: isFetchingNextPage,
          error: isFetchNextPageError && !isFetchingNextPage ? error : null,
        }
      : undefined,
  };
}

/**
 * Returns the time for which cached data need no request: forever after the browser's Back, so that the browser can restore
 * the scroll position. Otherwise cached data of an earlier visit are dropped.
 */
function useStaleTime(key: QueryKey, isPublic: boolean): number {
  const client = useQueryClient();
  const hash = hashKey(key);
  const [visit, setVisit] = useState<{ readonly hash: string; readonly staleTime: number }>();
  if (visit?.hash === hash) return visit.staleTime;
  const staleTime = isPublic && isHistoryNavigation() ? Infinity : 0;
  if (staleTime === 0) client.removeQueries({ queryKey: key, exact: true, type: 'inactive' });
  setVisit({ hash, staleTime });
  return staleTime;
}
