import { expect, it } from '@jest/globals';
import { decideUnknownClient } from '../../../src/auth/rate-limits/password-limits.js';

const policy = { free: 100, maxS: 10 };

it.each([
  ['is allowed', undefined, 0, { act: 'allow' }],
  ['is allowed up to the free attempts', undefined, 100, { act: 'allow' }],
  ['waits for a second beyond them', undefined, 101, { act: 'queue', seconds: 1 }],
  ['waits twice as long after each failure', undefined, 103, { act: 'queue', seconds: 4 }],
  ['never waits longer than the policy says', undefined, 10_000, { act: 'queue', seconds: 10 }],
  ['is refused while a window is used up', 30_000, 0, { act: 'refuse', msBeforeNext: 30_000 }],
  ['is refused rather than queued', 30_000, 101, { act: 'refuse', msBeforeNext: 30_000 }],
])('an attempt of an unknown client %s (%#)', (_, msUntilWindowEnds, attemptsAtAccount, decision) => {
  expect(decideUnknownClient({ msUntilWindowEnds, attemptsAtAccount, policy })).toEqual(decision);
});
