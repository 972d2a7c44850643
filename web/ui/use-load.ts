import { useCallback, useEffect, useRef, useState } from 'react';
import { Failure } from '../../client/src/index.js';
import { findCached, cacheForHistory } from './history-cache.js';

/** What was loaded, or why not. While it is loaded again, what was there before stays. */
export interface Loaded<T> {
  readonly data: T | undefined;
  readonly failure: Failure | undefined;
  readonly reload: () => void;
  /** Puts something else in its place, such as the answer to a change; in vain when `key` has become another since. */
  readonly replace: (change: (before: T) => T) => void;
}

interface State<T> {
  readonly key: string;
  readonly data?: T;
  readonly failure?: Failure;
  readonly broken?: unknown;
  /** Whether it was here before, and need not be loaded. */
  readonly isKept?: boolean;
}

/**
 * Loads something when it is first shown, and whenever `key` changes.
 * @param isPublic whether it is the same for everyone; then whoever goes back finds it as it was
 */
export function useLoad<T>(
  key: string,
  load: (signal: AbortSignal) => Promise<T>,
  { isPublic = false } = {},
): Loaded<T> {
  const [latestState, setState] = useState<State<T>>(() => begin(key, isPublic));
  const state = latestState.key === key ? latestState : begin<T>(key, isPublic);
  // While rendering, so that the browser can scroll to where one was before.
  if (state !== latestState) setState(state);
  const [attempt, setAttempt] = useState(0);
  const latest = useRef(load);
  useEffect(() => void (latest.current = load));
  const { isKept = false } = state;
  useEffect(() => {
    if (isKept) return;
    const abort = new AbortController();
    latest.current(abort.signal).then(
      (data) => !abort.signal.aborted && setState({ key, data }),
      (error: unknown) => {
        if (abort.signal.aborted) return;
        setState(error instanceof Failure ? { key, failure: error } : { key, broken: error });
      },
    );
    return () => abort.abort();
  }, [key, attempt, isKept]);
  const { data, failure, broken } = state;
  useEffect(() => {
    if (isPublic && data !== undefined) cacheForHistory(key, data);
  }, [key, data, isPublic]);

  // Anything else is a mistake of ours: the page says so.
  if (broken !== undefined) throw broken;
  return {
    data,
    failure,
    reload: useCallback(() => {
      setState((before) => ({ ...before, isKept: false }));
      setAttempt((before) => before + 1);
    }, []),
    replace: useCallback(
      (change) =>
        setState((before) =>
          before.key !== key || before.data === undefined ? before : { ...before, data: change(before.data) },
        ),
      [key],
    ),
  };
}

function begin<T>(key: string, isPublic: boolean): State<T> {
  const data = isPublic ? (findCached(key) as T | undefined) : undefined;
  return data === undefined ? { key } : { key, data, isKept: true };
}
