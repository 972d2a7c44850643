import { useCallback, useEffect, useRef, useState } from 'react';
import { Failure } from '../../client/src/index.js';

/** What was loaded, or why not. While it is loaded again, what was there before stays. */
export interface Loaded<T> {
  readonly data: T | undefined;
  readonly failure: Failure | undefined;
  readonly reload: () => void;
  /** Puts something else in its place, such as the answer to a change. */
  readonly replace: (change: (before: T) => T) => void;
}

/** Loads something when it is first shown, and whenever `key` changes. */
export function useLoad<T>(key: string, load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [state, setState] = useState<{ key: string; data?: T; failure?: Failure; broken?: unknown }>({ key });
  const [attempt, setAttempt] = useState(0);
  const latest = useRef(load);
  useEffect(() => void (latest.current = load));
  useEffect(() => {
    const abort = new AbortController();
    latest.current(abort.signal).then(
      (data) => !abort.signal.aborted && setState({ key, data }),
      (error: unknown) => {
        if (abort.signal.aborted) return;
        setState(error instanceof Failure ? { key, failure: error } : { key, broken: error });
      },
    );
    return () => abort.abort();
  }, [key, attempt]);

  // Anything else is a mistake of ours: the page says so.
  if (state.broken !== undefined) throw state.broken;
  const { data, failure } = state.key === key ? state : {};
  return {
    data,
    failure,
    reload: useCallback(() => setAttempt((before) => before + 1), []),
    replace: useCallback(
      (change) =>
        setState((before) =>
          before.data === undefined ? before : { key: before.key, data: change(before.data) },
        ),
      [],
    ),
  };
}
