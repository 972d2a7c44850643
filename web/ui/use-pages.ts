import { useState } from 'react';
import { Failure } from '../../client/src/index.js';
import { useLoad, type Loaded } from './use-load.js';

/** A page of a list, as the API gives it. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

/** A list that grows page by page. */
export interface Pages<T> extends Loaded<Page<T>> {
  /** Undefined on the last page. */
  readonly more: (() => Promise<void>) | undefined;
  readonly moreFailure: Failure | undefined;
}

/**
 * Loads the first page, and the next ones when asked to, like {@link useLoad}. `load` gets the cursor of the page before.
 */
export function usePages<T>(
  key: string,
  load: (cursor: string | undefined, signal?: AbortSignal) => Promise<Page<T>>,
  options?: { readonly isPublic?: boolean },
): Pages<T> {
  const loaded = useLoad(key, (signal) => load(undefined, signal), options);
  const [failed, setFailed] = useState<{ readonly key: string; readonly failure: Failure }>();
  const cursor = loaded.data?.nextCursor ?? undefined;
  const more = async () => {
    try {
      setFailed(undefined);
      const next = await load(cursor);
      loaded.replace((page) =>
        // It may have been loaded again meanwhile, and have come less far.
        page.nextCursor === cursor
          ? { items: [...page.items, ...next.items], nextCursor: next.nextCursor }
          : page,
      );
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      setFailed({ key, failure: error });
    }
  };
  return {
    ...loaded,
    more: cursor === undefined ? undefined : more,
    moreFailure: failed?.key === key ? failed.failure : undefined,
  };
}
