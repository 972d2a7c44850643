import { TIMEOUT_MS } from './post.js';

/**
 * Does something while no other tab of this browser does anything of the same name: requests that change the refresh
 * cookie come one after the other, so that each is sent with the newest, and no late answer overwrites a newer one.
 *
 * That is a courtesy, and nothing depends on it: where there are no Web Locks (pages without https), or another tab does
 * not let go, it is done anyway. The server gives tabs that ask at once the same successor.
 */
export async function withLock<T>(name: string, task: () => Promise<T>): Promise<T> {
  let begun: Promise<T> | undefined;
  const begin = () => (begun = task());
  try {
    return await navigator.locks.request(name, { signal: AbortSignal.timeout(TIMEOUT_MS) }, begin);
  } catch {
    return begun ?? task();
  }
}
