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
    const first = pending.add(takes(10));
    void pending.add(never);
    const further = jest.fn(never);
    expect([pending.isFull, pending.add(further), further.mock.calls]).toEqual([true, undefined, []]);
    const isFullAfterwards = first?.then(() => pending.isFull);
    await jest.advanceTimersByTimeAsync(10);
    expect([await isFullAfterwards, pending.size]).toEqual([false, 1]);
    void pending.add(further);
    expect(further).toHaveBeenCalled();
  });

  it('drains all work, also work that failed or was added meanwhile', async () => {
    const pending = new PendingWork();
    void pending.add(() => Promise.reject(new Error('not now')));
    void pending.add(async () => {
      await takes(10)();
      void pending.add(takes(10));
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
    void pending.add(never);
    const drained = jest.fn();
    void pending.drain(1_000).then(drained);
    await jest.advanceTimersByTimeAsync(999);
    expect(drained).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(1);
    expect(drained).toHaveBeenCalled();
  });
});
