import { setTimeout as sleep } from 'node:timers/promises';
import { postgresFailureOf } from '../stores/postgres-failures.js';

const ATTEMPTS = 5;
const FIRST_BACKOFF_MS = 10;

/** Repeats work that the server rolled back because of a concurrent transaction (deadlock, serialization failure). */
export async function repeating<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === ATTEMPTS || postgresFailureOf(error)?.client !== 'retry') throw error;
      await sleep(FIRST_BACKOFF_MS * 2 ** attempt * Math.random());
    }
  }
}
