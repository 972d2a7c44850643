import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { MAX_ROWS_OUTAGE_MS, SessionCache } from '../../src/auth/sessions/session-cache.js';
import { openSession, type Tokens } from '../support/fixtures/actors.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';
import { FailOverProxy } from '../support/servers/fail-over-proxy.js';
import { freePorts } from '../support/servers/ports.mjs';
import { PostgresServer } from '../support/servers/postgres-server.js';
import { startDatabase } from '../support/fixtures/shared-database.js';
import { describeWith } from '../support/programs.js';
import { RedisServer } from '../support/servers/redis-server.js';
import { ServerProcess } from '../support/servers/server-process.js';
import { until } from '../support/until.js';

const AUTH_SECRET = randomBytes(32).toString('base64');

let postgres: Awaited<ReturnType<typeof startDatabase>>;
let redis: RedisServer;
let opener: TestApp;

const refresh = async (url: string, { refreshToken }: Tokens): Promise<{ status: number; code?: string }> => {
  const answer = await fetch(`${url}/auth/refresh`, {
    method: 'POST',
    headers: { cookie: `refresh=${refreshToken}` },
  });
  const { code } = (await answer.json()) as { code?: string };
  return { status: answer.status, code };
};
/** Returns the first response that is not 503. */
const refreshAtLast = async (url: string, tokens: Tokens) => {
  let answer = await refresh(url, tokens);
  await until(async () => answer.status !== 503 || (answer = await refresh(url, tokens)).status !== 503);
  return answer;
};
const ENDED = { status: 401, code: 'session_ended' };

/** Endpoints that end the session of the given tokens. Each responds with 204. */
const ENDINGS = {
  'POST /auth/logout': (url: string, { refreshToken }: Tokens) =>
    fetch(`${url}/auth/logout`, { method: 'POST', headers: { cookie: `refresh=${refreshToken}` } }),
  'DELETE /auth/sessions/:id': (url: string, { accessToken }: Tokens) => {
    const { sid } = JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString()) as {
      sid: string;
    };
    return fetch(`${url}/auth/sessions/${sid}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${accessToken}` },
    });
  },
  'DELETE /auth/account': (url: string, { accessToken }: Tokens) =>
    fetch(`${url}/auth/account`, { method: 'DELETE', headers: { authorization: `Bearer ${accessToken}` } }),
} as const;
type Way = keyof typeof ENDINGS;
const WAYS = Object.keys(ENDINGS) as Way[];

describeWith(['postgres', 'redis'], 'the revocation of a session', () => {
  beforeAll(async () => {
    [postgres, redis] = await Promise.all([startDatabase(), RedisServer.start()]);
    opener = await startApp({ DATABASE_URL: postgres.url, AUTH_SECRET });
  });
  afterAll(async () => {
    await opener.stop();
    await Promise.all([postgres.stop(), redis.stop()]);
  });

  describe.each([
    ['as often as usual', '2'],
    ['rarely', '60'],
  ])('with processes that poll the rows %s', (_, poll) => {
    let toRedis: FailOverProxy;
    /** The first process reaches Redis through a proxy. */
    let servers: ServerProcess[] = [];
    const others = () => servers.slice(1);
    beforeAll(async () => {
      toRedis = await FailOverProxy.before(redis.port);
      const env = {
        DATABASE_URL: postgres.url,
        AUTH_SECRET,
        REVOCATION_POLL_SECONDS: poll,
        PUBLIC_URL: opener.url,
        OAUTH_SANDBOX_URL: 'http://127.0.0.1:9',
        MAIL_URL: 'smtp://127.0.0.1:9',
      };
      servers = await Promise.all(
        [toRedis.url, redis.url, redis.url].map((REDIS_URL) => ServerProcess.start({ ...env, REDIS_URL })),
      );
    });
    afterAll(async () => {
      await Promise.all(servers.map((server) => server.kill()));
      await toRedis.stop();
    });
    const connected = () =>
      until(async () => {
        const answer = await fetch(`${servers[0]?.url}/health/ready`);
        return ((await answer.json()) as { stores: { redis: string } }).stores.redis === 'up';
      });

    /** Faults that keep the first process from publishing to Redis, each with its cure. */
    const FAULTS = {
      none: async () => () => {},
      'connections cut': async () => {
        toRedis.failOver(redis.port);
        return () => {};
      },
      'Redis unreachable': async () => {
        const [nowhere = 0] = await freePorts(1);
        toRedis.failOver(nowhere);
        return () => toRedis.failOver(redis.port);
      },
      'Redis silent': async () => {
        toRedis.holdRequests();
        return () => toRedis.failOver(redis.port);
      },
      'process stopped': async (pause: number) => {
        servers[0]?.freeze();
        setTimeout(() => servers[0]?.thaw(), pause);
        return () => {};
      },
    } as const;

    it('holds in every process under every fault of Redis and with every paused process', async () => {
      const history = fc.record({
        pause: fc.integer({ min: 0, max: 3_000 }),
        ways: fc.array(fc.constantFrom(...WAYS), { minLength: 1, maxLength: 4 }),
        otherStopped: fc.boolean(),
      });
      for (const begin of Object.values(FAULTS)) {
        await fc.assert(
          fc.asyncProperty(history, async ({ pause, ways, otherStopped }) => {
            await connected();
            const leaving = await Promise.all(
              ways.map(async (way) => ({ way, tokens: await openSession(opener) })),
            );
            // Redis holds the cached copies of these sessions.
            for (const { tokens } of leaving) await refreshAtLast(others()[0]?.url ?? '', tokens);
            const end = await begin(pause);
            await sleep(pause / 3);
            if (otherStopped) others()[1]?.freeze();
            await Promise.all(
              leaving.map(async ({ way, tokens }) => {
                const first = (await ENDINGS[way](servers[0]?.url ?? '', tokens)).status;
                let status = first;
                while (status === 503) {
                  await sleep(50);
                  status = (await ENDINGS[way](servers[0]?.url ?? '', tokens)).status;
                }
                // A repeated call with an access token finds the session ended.
                if (first === 503 && way !== 'POST /auth/logout') return;
                expect({ way, status }).toEqual({ way, status: 204 });
                expect(await refreshAtLast(others()[0]?.url ?? '', tokens)).toEqual(ENDED);
              }),
            );
            others()[1]?.thaw();
            for (const { url } of servers) {
              for (const { tokens } of leaving) expect(await refreshAtLast(url, tokens)).toEqual(ENDED);
            }
            end();
          }),
          { numRuns: 1, endOnFailure: true },
        );
      }
    }, 180_000);

    it('ends the session in every process while Redis is down', async () => {
      await connected();
      const tokens = await openSession(opener);
      await refreshAtLast(others()[0]?.url ?? '', tokens);
      await redis.kill();
      try {
        expect((await ENDINGS['POST /auth/logout'](servers[0]?.url ?? '', tokens)).status).toBe(204);
        for (const { url } of servers) expect(await refreshAtLast(url, tokens)).toEqual(ENDED);
      } finally {
        await redis.restart();
      }
    }, 60_000);
  });

  it.each(WAYS)('holds in its own process before the other processes learn of it (%s)', async (way) => {
    const app = await startApp({
      DATABASE_URL: postgres.url,
      REDIS_URL: redis.url,
      REVOCATION_POLL_SECONDS: '60',
      AUTH_SECRET,
    });
    const evict = jest.spyOn(app.daemun.app.get(SessionCache, { strict: false }), 'evictEverywhere');
    try {
      const tokens = await openSession(app);
      const headers = { authorization: `Bearer ${tokens.accessToken}` };
      const status = async () => (await fetch(`${app.url}/users/me`, { headers })).status;
      expect(await status()).toBe(200);
      let evicted = (): void => {};
      evict.mockReturnValue(new Promise((resolve) => (evicted = resolve)));
      const answer = ENDINGS[way](app.url, tokens);
      await until(async () => (await status()) === 401);
      evicted();
      await answer;
    } finally {
      evict.mockRestore();
      await app.stop();
    }
  });

  it('makes a process whose poll of the rows is slow answer 503 until the poll ends', async () => {
    const env = { DATABASE_URL: postgres.url, REDIS_URL: redis.url, AUTH_SECRET };
    const app = await startApp(env);
    try {
      const tokens = await openSession(app);
      expect((await refreshAtLast(app.url, tokens)).status).toBe(200);
      const query = app.database.query.bind(app.database) as (...args: unknown[]) => Promise<unknown>;
      let answer = (): void => {};
      const answered = new Promise<void>((resolve) => (answer = resolve));
      const slow = jest.spyOn(app.database, 'query').mockImplementation(async (...args: unknown[]) => {
        if (String(args[0]).includes("'clock' AS kind")) await answered;
        return query(...args);
      });
      // A process that does not publish to Redis.
      expect((await ENDINGS['POST /auth/logout'](opener.url, tokens)).status).toBe(204);
      await until(async () => (await refresh(app.url, tokens)).status === 503);
      for (let turn = 0; turn < 3; turn++) expect((await refresh(app.url, tokens)).status).toBe(503);
      answer();
      expect(await refreshAtLast(app.url, tokens)).toEqual(ENDED);
      slow.mockRestore();
    } finally {
      await app.stop();
    }
  }, 60_000);

  describe('and a process that cannot poll the rows', () => {
    afterEach(() => void jest.restoreAllMocks());

    it('lets refreshes be served from Redis for ten minutes, and then answers 503', async () => {
      const own = await PostgresServer.start();
      const app = await startApp({ DATABASE_URL: own.url, REDIS_URL: redis.url, AUTH_SECRET });
      try {
        const tokens = await openSession(app);
        expect((await refreshAtLast(app.url, tokens)).status).toBe(200);
        await own.crash();
        expect((await refreshAtLast(app.url, tokens)).status).toBe(200);
        const real = Date.now;
        jest.spyOn(Date, 'now').mockImplementation(() => real() + MAX_ROWS_OUTAGE_MS);
        const reasons = () => app.log.map(({ reason }) => String(reason).split(':')[0]);
        await until(
          async () => (await refresh(app.url, tokens)).status === 503 && reasons().includes('rows_unknown'),
        );
        await own.restart();
        expect((await refreshAtLast(app.url, tokens)).status).toBe(200);
      } finally {
        await app.stop();
        await own.stop();
      }
    }, 60_000);
  });
});
