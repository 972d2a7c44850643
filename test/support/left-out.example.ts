// Input of test/docs/security.test.ts, never run.
import { describe, it } from '@jest/globals';

describe('a group', () => {
  it('runs', () => {});
  it.each(['this', 'that'])('runs for %s', () => {});
  it.skip('is skipped', () => {});
  it.skip.each([1])('is skipped for each', () => {});
});
describe.skip('a group', () => {
  it('is in a group that is skipped', () => {});
});
it.todo('is yet to be written');
