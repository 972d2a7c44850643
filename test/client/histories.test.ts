import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { importClient } from '../support/fixtures/client-transport.js';
import { anything, outcomes, noLogIns, SimulatedBrowser } from '../support/fixtures/client-simulation.js';

let createClient: Awaited<ReturnType<typeof importClient>>['createClient'];
const { setTimeout, BroadcastChannel } = globalThis;
beforeAll(async () => {
  SimulatedBrowser.installGlobals();
  ({ createClient } = await importClient());
});
afterAll(() => {
  Object.assign(globalThis, { setTimeout, BroadcastChannel });
});

/** Ten actions in three tabs in parallel. Requests, responses and messages take any time, or are lost. */
describe.each([
  ['with Web Locks and BroadcastChannel', { locks: true, channels: true }, anything],
  ['without BroadcastChannel', { locks: true, channels: false }, anything],
  // Without locks, a late response may overwrite the cookie of a parallel login in another tab.
  ['without Web Locks', { locks: false, channels: true }, noLogIns],
  ['without either', { locks: false, channels: false }, noLogIns],
])('the tabs of one browser, %s,', (_, has, actions) => {
  it('agree in the end, end no session without a reason and never mix users', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), actions, outcomes, async (scheduler, history, outcomes) => {
        const simulation = new SimulatedBrowser(scheduler, [...outcomes], has, createClient);
        await simulation.live(history);
        expect(simulation.wrong).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });
});
