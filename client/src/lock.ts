import { TIMEOUT_MS } from './post.js';

/**
 * Runs a task while no other tab of this browser runs a task of the same name. Requests that change the refresh
 * cookie are sent one after the other, so that each has the newest cookie and no late response overwrites a newer
 * one.
 *
 * Correctness does not depend on the lock, because the server gives parallel requests the same successor. The task
 * also runs without Web Locks (pages without https), and if another tab does not release the lock in time.
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
