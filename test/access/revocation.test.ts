import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { CLOCK_SKEW_S } from '../../src/access/access-token.js';
import { Denylist } from '../../src/access/denylist.js';
import { RevocationCheck } from '../../src/access/revocation-check.js';
import { runAdminCommand } from '../../src/auth/accounts/admin-commands.js';
import { Sessions } from '../../src/auth/sessions/sessions.js';
import { openSession, signedIn } from '../support/fixtures/actors.js';
import { startApp } from '../support/fixtures/app.js';
import { testConfig } from '../support/fixtures/config.js';
import { PostgresServer } from '../support/servers/postgres-server.js';
import { describeWith } from '../support/programs.js';

const actor = (sessionId: string, accountId = randomUUID()) => ({
  actor: { accountId, sessionId, roles: ['user'] },
  keyId: 'a key',
  issuedAt: Math.floor(Date.now() / 1000),
  expiresAt: Date.now() + 600_000,
});

describe('Denylist', () => {
  beforeEach(() => void jest.useFakeTimers({ now: 1_800_000_000_000 }));
  afterEach(() => void jest.useRealTimers());
  const config = testConfig({ ACCESS_TOKEN_TTL: '600' });

  it('denies a session until its last access token has expired, and no longer', () => {
    const denylist = new Denylist(config);
    const ended = randomUUID();
    denylist.denySession(ended);
    jest.advanceTimersByTime(600_000);
    denylist.denySession(randomUUID());
    expect(denylist.verdict(actor(ended))).toBe('ended');
    expect(denylist.size).toBe(2);
    jest.advanceTimersByTime(11_000);
    denylist.denySession(randomUUID());
    expect(denylist.size).toBe(2);
  });

  it('denies tokens that were issued to an account before it changed, and none from then on', () => {
    const denylist = new Denylist(config);
    const before = actor(randomUUID());
    denylist.denyTokensIssuedUntilNow(before.actor.accountId);
    expect(denylist.verdict(before)).toBe('outdated');
    const issuedAt = denylist.issueAt(before.actor.accountId);
    expect(denylist.verdict({ ...before, issuedAt })).toBeUndefined();
  });

  it('denies every token from before a change, and none from after it, where clocks differ', () => {
    const poll = 2;
    const clock = fc.integer({ min: 0, max: CLOCK_SKEW_S * 1_000 });
    const moment = fc.integer({ min: 0, max: poll * 1_000 });
    fc.assert(
      fc.property(clock, clock, moment, moment, moment, (aheadA, aheadB, learntA, learntB, later) => {
        const at = (ms: number, ahead: number) => jest.setSystemTime(1_800_000_000_000 + ms + ahead);
        const follower = testConfig({
          DATABASE_URL: 'postgres://127.0.0.1/x',
          REVOCATION_POLL_SECONDS: `${poll}`,
        });
        const [a, b] = [new Denylist(follower), new Denylist(follower)];
        const token = actor(randomUUID());
        const { accountId } = token.actor;
        // Issued by b with the roles from before, in the moment in which a learns of the change.
        at(learntA, aheadB);
        const before = { ...token, issuedAt: b.issueAt(accountId) };
        at(learntA, aheadA);
        a.denyTokensIssuedUntilNow(accountId);
        at(learntA + later, aheadA);
        const after = { ...token, issuedAt: a.issueAt(accountId) };
        at(learntB, aheadB);
        b.denyTokensIssuedUntilNow(accountId);
        expect(a.verdict(before)).toBe('outdated');
        expect([a.verdict(after), b.verdict(after)]).toEqual([undefined, undefined]);
      }),
    );
  });
});

describe('RevocationCheck', () => {
  beforeEach(() => void jest.useFakeTimers({ now: 1_800_000_000_000 }));
  afterEach(() => void jest.useRealTimers());
  const config = testConfig({ DATABASE_URL: 'postgres://127.0.0.1/x', REVOCATION_POLL_SECONDS: '5' });
  const checkOf = (poll: () => Promise<void>, settings = config) => {
    const feed = { publish: jest.fn(), poll, resync: poll };
    return new RevocationCheck(settings, new Denylist(settings), feed);
  };
  const never = () => new Promise<void>(() => {});
  const fails = () => Promise.reject(new Error('the database is away'));
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

describeWith('postgres', 'two processes on one PostgreSQL, without Redis', () => {
  it('hear of each other’s log-outs and roles within moments', async () => {
    const server = await PostgresServer.start();
    const env = {
      DATABASE_URL: server.url,
      AUTH_SECRET: randomBytes(32).toString('base64'),
      REVOCATION_POLL_SECONDS: '1',
    };
    const first = await startApp(env);
    const second = await startApp({ ...env, PUBLIC_URL: first.url });
    try {
      const { id } = await signedIn(first);
      const sessions = first.daemun.app.get(Sessions, { strict: false });
      const open = () => openSession(first, { accountId: id });
      const [leaving, staying] = [await open(), await open()];
      const codeOf = async (accessToken: string) => {
        const answer = await fetch(`${second.url}/users/me`, {
          headers: { authorization: `Bearer ${accessToken}` },
        });
        return ((await answer.json()) as { code?: string }).code;
      };
      const until = async (code: string, accessToken: string) => {
        for (const deadline = Date.now() + 20_000; (await codeOf(accessToken)) !== code; await sleep(50)) {
          if (Date.now() > deadline) throw new Error(`it was never ${code}`);
        }
      };
      expect([await codeOf(leaving.accessToken), await codeOf(staying.accessToken)]).toEqual([
        undefined,
        undefined,
      ]);
      await sessions.logout(leaving.refreshToken);
      await until('session_ended', leaving.accessToken);
      expect(await codeOf(staying.accessToken)).toBeUndefined();

      await runAdminCommand('grant', id, first.database);
      await until('access_token_expired', staying.accessToken);
      const refreshed = await fetch(`${second.url}/auth/refresh`, {
        method: 'POST',
        headers: { cookie: `refresh=${staying.refreshToken}` },
      });
      const { accessToken } = (await refreshed.json()) as { accessToken: string };
      expect(await codeOf(accessToken)).toBeUndefined();
      const board = await fetch(`${second.url}/boards`, {
        method: 'POST',
        headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
        body: JSON.stringify({ slug: 'new', title: 'New' }),
      });
      expect(board.status).toBe(201);
    } finally {
      await Promise.all([first.stop(), second.stop()]);
      await server.stop();
    }
  });
});
