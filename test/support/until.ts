import { setTimeout as sleep } from 'node:timers/promises';

/** Waits up to 30 seconds until a condition is true. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 30_000; !(await condition());) {
    if (Date.now() > deadline) throw new Error('it never came to be');
    await sleep(50);
  }
}
