import { jest } from '@jest/globals';
import { DataSource } from 'typeorm';
import { Sessions } from '../../src/auth/sessions/sessions.js';
import type { TestApp } from './fixtures/app.js';

/**
 * Sends requests whose transactions end only after the response, which is 503. `finished` resolves when the transactions
 * are committed or rolled back.
 */
export async function whileSlow<T = Response>(
  app: TestApp,
  step: 'open' | 'endAllOf',
  send: () => Promise<T>,
): Promise<{ readonly answer: T; readonly finished: Promise<unknown> }> {
  let answered = (): void => {};
  const gone = new Promise<void>((resolve) => (answered = resolve));
  const sessions = app.daemun.app.get(Sessions, { strict: false });
  const original = (sessions[step] as (...args: unknown[]) => Promise<never>).bind(sessions);
  const slow = jest.spyOn(sessions, step).mockImplementation(async (...args: unknown[]) => {
    const done = await original(...args);
    await gone;
    return done;
  });
  const transaction = jest.spyOn(app.daemun.app.get(DataSource), 'transaction');
  const answer = await send();
  const finished = Promise.allSettled(transaction.mock.results.map(({ value }) => value as Promise<unknown>));
  slow.mockRestore();
  transaction.mockRestore();
  answered();
  return { answer, finished };
}
