import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { RepeatedLines } from '../../src/logging/repeated-lines.js';

describe('repeated log lines', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  function recorder(most?: number) {
    const lines = new RepeatedLines(1_000, most);
    const written: string[] = [];
    const log = (key: string) =>
      lines.log(
        key,
        () => written.push(key),
        (count) => written.push(`${key} ${count} more`),
      );
    return { written, log };
  }

  it('are the first of each key, and a number at the end of each interval', () => {
    const { written, log } = recorder();
    for (const key of ['a', 'a', 'b', 'a']) log(key);
    jest.advanceTimersByTime(1_000);
    log('a');
    jest.advanceTimersByTime(1_000);
    expect(written).toEqual(['a', 'b', 'a 2 more', 'a 1 more']);
  });

  it('start again after an interval without a line', () => {
    const { written, log } = recorder();
    log('a');
    jest.advanceTimersByTime(1_000);
    log('a');
    expect(written).toEqual(['a', 'a']);
    jest.advanceTimersByTime(1_000);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('share one count beyond the maximum number of keys', () => {
    const { written, log } = recorder(2);
    for (const key of ['a', 'b', 'c', 'd', 'e', 'a']) log(key);
    jest.advanceTimersByTime(1_000);
    expect(written).toEqual(['a', 'b', 'c', 'a 1 more', 'c 2 more']);
  });
});
