import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { importClient } from '../support/fixtures/client-transport.js';
import { anything, fates, noLogIns, World } from '../support/fixtures/client-world.js';

let createClient: Awaited<ReturnType<typeof importClient>>['createClient'];
const { setTimeout, BroadcastChannel } = globalThis;
beforeAll(async () => {
  World.furnish();
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
      fc.asyncProperty(fc.scheduler(), actions, fates, async (scheduler, history, fates) => {
        const world = new World(scheduler, [...fates], has, createClient);
        await world.live(history);
        expect(world.wrong).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });
});
