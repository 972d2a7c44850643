import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { CLOCK_SKEW_S } from '../../src/access/access-token.js';
import { Denylist } from '../../src/access/denylist.js';
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

describe('the denylist', () => {
  beforeEach(() => void jest.useFakeTimers({ now: 1_800_000_000_000 }));
  afterEach(() => void jest.useRealTimers());
  const config = testConfig({ ACCESS_TOKEN_TTL: '600' });

  it('keeps an ended session until its last access token has expired, and no longer', () => {
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

  it('refuses the tokens issued to an account before its change, and no later token', () => {
    const denylist = new Denylist(config);
    const before = actor(randomUUID());
    denylist.denyTokensIssuedUntilNow(before.actor.accountId);
    expect(denylist.verdict(before)).toBe('outdated');
    const issuedAt = denylist.issueAt(before.actor.accountId);
    expect(denylist.verdict({ ...before, issuedAt })).toBeUndefined();
  });

  it('refuses every token from before a change and no later token despite clock skew', () => {
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
        // Process b issues a token with the previous roles at the moment at which process a learns of the change.
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

describeWith('postgres', 'the revocation feed between two processes on one PostgreSQL, without Redis', () => {
  it('delivers logouts and changed roles to the other process within moments', async () => {
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
