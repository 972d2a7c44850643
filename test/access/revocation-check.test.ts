import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Denylist } from '../../src/access/denylist.js';
import { RevocationCheck } from '../../src/access/revocation-check.js';
import { testConfig } from '../support/fixtures/config.js';

describe('the revocation check', () => {
  beforeEach(() => void jest.useFakeTimers({ now: 1_800_000_000_000 }));
  afterEach(() => void jest.useRealTimers());
  const config = testConfig({ DATABASE_URL: 'postgres://127.0.0.1/x', REVOCATION_POLL_SECONDS: '5' });
  const checkOf = (poll: () => Promise<void>, settings = config) => {
    const feed = { publish: jest.fn(), poll, resync: poll };
    return new RevocationCheck(settings, new Denylist(settings), feed);
  };
  const never = () => new Promise<void>(() => {});
  const fails = () => Promise.reject(new Error('the database is unavailable'));
  const limits = { maxAgeMs: 2_000, maxOutageMs: 60_000 };

  it('is stale when no poll began within the interval', async () => {
    const check = checkOf(async () => {});
    expect(check.isStale).toBe(true);
    await check.refresh();
    expect(check.isStale).toBe(false);
    jest.advanceTimersByTime(5_001);
    expect(check.isStale).toBe(true);
  });

  it('is never stale without other processes', async () => {
    const check = checkOf(fails, testConfig());
    jest.advanceTimersByTime(3_600_000);
    expect([check.isStale, check.ageMs]).toEqual([false, 0]);
    await check.requireFresh(limits);
  });

  it('accepts the denylist as it is for a second after a failed poll', async () => {
    const check = checkOf(fails);
    await check.refresh();
    expect(check.isStale).toBe(false);
    jest.advanceTimersByTime(1_001);
    expect(check.isStale).toBe(true);
  });

  it('keeps one request waiting, and not one a second, while polls are not answered', async () => {
    const poll = jest.fn(never);
    const check = checkOf(poll);
    const first = check.refresh();
    await jest.advanceTimersByTimeAsync(1_000);
    await first;
    for (let second = 0; second < 60; second++) {
      jest.advanceTimersByTime(1_001);
      expect(check.isStale).toBe(true);
      // The fake clock stands still, so a request that waited would wait for ever.
      await check.refresh();
    }
    // The requests share the poll under way.
    expect(poll).toHaveBeenCalledTimes(1);
    // After a suspension the stores may be back.
    jest.advanceTimersByTime(60_000);
    const awake = jest.fn();
    void check.refresh().then(awake);
    await jest.advanceTimersByTimeAsync(500);
    expect(awake).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(500);
    expect(awake).toHaveBeenCalled();
  });

  it('polls again where the poll under way began before a suspension', async () => {
    let answer = (): void => {};
    const poll = jest.fn(() => new Promise<void>((resolve) => (answer = resolve)));
    const check = checkOf(poll);
    const refreshed = jest.fn();
    void check.refresh().then(refreshed);
    // The machine sleeps: the wall clock goes on, and no timer runs.
    jest.setSystemTime(Date.now() + 60_000);
    answer();
    await jest.advanceTimersByTimeAsync(0);
    expect(poll).toHaveBeenCalledTimes(2);
    expect([check.isStale, refreshed.mock.calls]).toEqual([true, []]);
    answer();
    await jest.advanceTimersByTimeAsync(0);
    expect([check.isStale, refreshed.mock.calls.length]).toEqual([false, 1]);
  });

  it('refuses with 503 where a required poll is slow', async () => {
    const check = checkOf(never);
    const required = expect(check.requireFresh(limits)).rejects.toMatchObject({
      code: 'temporarily_unavailable',
    });
    await jest.advanceTimersByTimeAsync(1_000);
    await required;
  });

  it('allows failing polls for the longest outage, and then refuses with 503', async () => {
    let poll = async (): Promise<void> => {};
    const check = checkOf(() => poll());
    await check.refresh();
    poll = fails;
    jest.advanceTimersByTime(limits.maxOutageMs);
    await check.requireFresh(limits);
    jest.advanceTimersByTime(1);
    await expect(check.requireFresh(limits)).rejects.toMatchObject({ code: 'temporarily_unavailable' });
    poll = async () => {};
    await check.requireFresh(limits);
    expect(check.ageMs).toBe(0);
  });

  it('polls at intervals from the start to the shutdown', async () => {
    const poll = jest.fn(async () => {});
    const check = checkOf(poll);
    await check.onModuleInit();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(poll.mock.calls.length).toBeGreaterThanOrEqual(60_000 / 5_000);
    expect(check.isStale).toBe(false);
    await check.onApplicationShutdown();
    const { length } = poll.mock.calls;
    await jest.advanceTimersByTimeAsync(60_000);
    expect(poll).toHaveBeenCalledTimes(length);
  });
});
