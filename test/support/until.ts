import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until a condition is true. @throws after the time limit. */
export async function until(condition: () => boolean | Promise<boolean>, limitMs = 30_000): Promise<void> {
  for (const deadline = Date.now() + limitMs; !(await condition());) {
    if (Date.now() > deadline) throw new Error(`the condition was not true within ${limitMs} ms`);
    await sleep(50);
  }
}
