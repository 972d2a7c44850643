import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { PendingWork } from '../../src/concurrency/pending-work.js';

describe('PendingWork', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());
  const never = () => new Promise<void>(() => {});
  /** Work that takes so many ms. */
  const takes = (ms: number) => () => new Promise<void>((resolve) => setTimeout(resolve, ms));

  it('does not begin work beyond its limit', async () => {
    const pending = new PendingWork(2);
    expect([pending.add(takes(10)), pending.add(never), pending.isFull]).toEqual([true, true, true]);
    const further = jest.fn(never);
    expect(pending.add(further)).toBe(false);
    expect(further).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(10);
    expect([pending.size, pending.add(further)]).toEqual([1, true]);
  });

  it('drains all work, also work that failed or was added meanwhile', async () => {
    const pending = new PendingWork();
    pending.add(() => Promise.reject(new Error('not now')));
    pending.add(async () => {
      await takes(10)();
      pending.add(takes(10));
    });
    const drained = jest.fn();
    void pending.drain(1_000).then(drained);
    await jest.advanceTimersByTimeAsync(19);
    expect(drained).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(1);
    expect([drained.mock.calls.length, pending.size]).toEqual([1, 0]);
  });

  it('drains for the time limit at most', async () => {
    const pending = new PendingWork();
    pending.add(never);
    const drained = jest.fn();
    void pending.drain(1_000).then(drained);
    await jest.advanceTimersByTimeAsync(999);
    expect(drained).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(1);
    expect(drained).toHaveBeenCalled();
  });
});
