import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Periodic } from '../../src/concurrency/periodic.js';

describe('Periodic', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());
  const onFailure = jest.fn<(error: unknown, failures: number) => void>();
  beforeEach(() => void onFailure.mockClear());

  /** A task whose runs end when the test says so. */
  const heldTask = () => {
    const ends: (() => void)[] = [];
    const task = jest.fn(() => new Promise<void>((resolve) => ends.push(resolve)));
    return { task, end: () => ends.shift()?.() };
  };

  it('runs the task after each interval, and not before', async () => {
    const task = jest.fn(async () => {});
    const periodic = new Periodic(task, { everyMs: 1_000, onFailure });
    periodic.start();
    await jest.advanceTimersByTimeAsync(999);
    expect(task).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(2_001);
    expect(task).toHaveBeenCalledTimes(3);
    await periodic.stop();
  });

  it('varies each pause by at most the jitter', async () => {
    const task = jest.fn(async () => {});
    const random = jest.spyOn(Math, 'random');
    for (const [value, pauseMs] of [
      [0, 900],
      [0.5, 1_000],
      [1, 1_100],
    ] as const) {
      random.mockReturnValue(value);
      task.mockClear();
      const periodic = new Periodic(task, { everyMs: 1_000, jitter: 0.1, onFailure });
      periodic.start();
      await jest.advanceTimersByTimeAsync(pauseMs - 1);
      expect(task).not.toHaveBeenCalled();
      await jest.advanceTimersByTimeAsync(1);
      expect(task).toHaveBeenCalledTimes(1);
      await periodic.stop();
    }
    random.mockRestore();
  });

  it('begins the next interval when a run has ended', async () => {
    const { task, end } = heldTask();
    const periodic = new Periodic(task, { everyMs: 1_000, onFailure });
    periodic.start();
    await jest.advanceTimersByTimeAsync(10_000);
    expect(task).toHaveBeenCalledTimes(1);
    end();
    await jest.advanceTimersByTimeAsync(1_000);
    expect(task).toHaveBeenCalledTimes(2);
    end();
    await periodic.stop();
  });

  it('reports each failure with the number of failures in a row, and goes on', async () => {
    const failure = new Error('not now');
    const outcomes = [failure, failure, undefined, failure];
    const periodic = new Periodic(
      async () => {
        const outcome = outcomes.shift();
        if (outcome !== undefined) throw outcome;
      },
      { everyMs: 1_000, onFailure },
    );
    periodic.start();
    await jest.advanceTimersByTimeAsync(4_000);
    expect(onFailure.mock.calls).toEqual([
      [failure, 1],
      [failure, 2],
      [failure, 1],
    ]);
    await periodic.stop();
  });

  it('lets callers join the run under way, and gives them its error', async () => {
    let fail: (error: Error) => void = () => {};
    const task = jest.fn(() => new Promise<void>((_, reject) => (fail = reject)));
    const periodic = new Periodic(task, { everyMs: 1_000, onFailure });
    const runs = [periodic.run(), periodic.run()];
    fail(new Error('not now'));
    expect((await Promise.allSettled(runs)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(task).toHaveBeenCalledTimes(1);
    expect(onFailure).not.toHaveBeenCalled();
  });

  it('runs once more after a run during which it was triggered', async () => {
    const { task, end } = heldTask();
    const periodic = new Periodic(task, { everyMs: 1_000, onFailure });
    for (let n = 0; n < 3; n++) periodic.trigger();
    expect(task).toHaveBeenCalledTimes(1);
    end();
    await jest.advanceTimersByTimeAsync(0);
    expect(task).toHaveBeenCalledTimes(2);
    const idle = jest.fn();
    void periodic.idle().then(idle);
    await jest.advanceTimersByTimeAsync(0);
    expect(idle).not.toHaveBeenCalled();
    end();
    await jest.advanceTimersByTimeAsync(0);
    expect([task.mock.calls.length, idle.mock.calls.length]).toEqual([2, 1]);
  });

  it('stops after the run under way, and begins no further one', async () => {
    const { task, end } = heldTask();
    const periodic = new Periodic(task, { everyMs: 1_000, onFailure });
    periodic.start();
    await jest.advanceTimersByTimeAsync(1_000);
    periodic.trigger();
    const stopped = jest.fn();
    void periodic.stop().then(stopped);
    await jest.advanceTimersByTimeAsync(0);
    expect(stopped).not.toHaveBeenCalled();
    end();
    await jest.advanceTimersByTimeAsync(10_000);
    periodic.trigger();
    expect([stopped.mock.calls.length, task.mock.calls.length]).toEqual([1, 1]);
  });

  it('does not keep the process alive', async () => {
    const setTimeout = jest.spyOn(globalThis, 'setTimeout');
    const periodic = new Periodic(async () => {}, { everyMs: 1_000, onFailure });
    periodic.start();
    const timers = setTimeout.mock.results.map(({ value }) => value as NodeJS.Timeout);
    expect(timers.map((timer) => timer.hasRef())).toEqual([false]);
    await periodic.stop();
    setTimeout.mockRestore();
  });
});
