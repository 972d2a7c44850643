import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module } from '@nestjs/common';
import { openSession, type Tokens } from '../support/fixtures/actors.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';
import { FailOverProxy } from '../support/servers/fail-over-proxy.js';
import { HonestBrowser, whileBrowsing } from '../support/fixtures/honest-browser.js';
import { PostgresServer } from '../support/servers/postgres-server.js';
import { describeWith } from '../support/programs.js';
import { RedisServer } from '../support/servers/redis-server.js';
import { until } from '../support/until.js';

/** A guarded route that needs no data. */
@Controller('hello')
class HelloController {
  @Get()
  hello(): { hello: true } {
    return { hello: true };
  }
}
@Module({ controllers: [HelloController] })
class HelloModule {}

/** Time limit of a client for a request, half the grace. */
const CLIENT_TIMEOUT_MS = 3_000;
const AUTH_SECRET = randomBytes(32).toString('base64');

let postgres: PostgresServer;
let processes: TestApp[] = [];

async function startProcesses(redisUrl: string): Promise<void> {
  const env: Record<string, string> = {
    DATABASE_URL: postgres.url,
    REDIS_URL: redisUrl,
    AUTH_SECRET,
    REFRESH_GRACE_SECONDS: String((2 * CLIENT_TIMEOUT_MS) / 1000),
  };
  const first = await startApp(env, [HelloModule]);
  const second = await startApp({ ...env, PUBLIC_URL: first.url }, [HelloModule]);
  processes = [first, second];
}
const urls = () => processes.map(({ url }) => url);
const anyUrl = () => urls()[Math.floor(Math.random() * processes.length)] ?? '';

/** Opens a session of a new account. */
async function logIn(): Promise<Tokens> {
  const [app] = processes;
  if (app === undefined) throw new Error('nothing runs');
  return openSession(app);
}
const call = async (path: string, { refreshToken }: Tokens, url = anyUrl()) => {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { cookie: `refresh=${refreshToken}` },
  });
  const text = await response.text();
  const code = text === '' ? undefined : (JSON.parse(text) as { code?: string }).code;
  return { status: response.status, code, cookies: response.headers.getSetCookie() };
};
const get = async (path: string, { accessToken }: Tokens, url = anyUrl()) =>
  (await fetch(url + path, { headers: { authorization: `Bearer ${accessToken}` } })).status;

const ready = () =>
  until(async () =>
    (
      await Promise.all(
        urls().map(async (url) => {
          const { stores } = (await (await fetch(`${url}/health/ready`)).json()) as {
            stores: Record<string, string>;
          };
          return Object.values(stores).every((state) => state === 'up');
        }),
      )
    ).every(Boolean),
  );

interface During {
  /** Waits until every browser has received this number of further refreshed tokens. */
  readonly refreshed: (times: number) => Promise<void>;
}

/**
 * Runs honest browsers with several tabs through a fault, with sessions that ended before and during it. Afterwards
 * no honest session has ended, every ended session is refused everywhere, and all requests succeed without
 * intervention.
 */
async function liveThrough(
  fault: (during: During) => Promise<void>,
  { refreshing = true } = {},
): Promise<void> {
  const browsers = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const { refreshToken } = await logIn();
      return new HonestBrowser({ urls, cookie: refreshToken, timeoutMs: CLIENT_TIMEOUT_MS, pauseMs: 400 });
    }),
  );
  const [leftBefore, leavesDuring] = [await logIn(), await logIn()];
  for (const leaving of [leftBefore, leavesDuring]) {
    expect((await call('/auth/refresh', leaving)).status).toBe(200);
  }
  expect((await call('/auth/logout', leftBefore)).status).toBe(204);

  const counts = () => browsers.map(({ statistics }) => statistics.refreshed);
  const wrong = () => browsers.flatMap(({ statistics }) => statistics.wrong);
  const refreshed = async (times: number) => {
    const before = counts();
    await until(() => wrong().length > 0 || counts().every((count, i) => count >= (before[i] ?? 0) + times));
  };
  await whileBrowsing(browsers, 3, async () => {
    await refreshed(3);
    const leaving = until(
      async () => (await call('/auth/logout', leavesDuring).catch(() => undefined))?.status === 204,
    );
    // If the fault itself fails, this promise has no other handler.
    leaving.catch(() => {});
    await fault({ refreshed: refreshing ? refreshed : () => sleep(1_000) });
    await leaving;
    await ready();
    await refreshed(5);
  });

  expect(wrong()).toEqual([]);
  for (const browser of browsers) {
    await until(async () => (await browser.refresh()) !== undefined || browser.statistics.wrong.length > 0);
  }
  expect(wrong()).toEqual([]);
  for (const url of urls()) {
    for (const left of [leftBefore, leavesDuring]) {
      await until(async () => (await get('/hello', left, url)) === 401);
      expect(await call('/auth/refresh', left, url)).toMatchObject({ status: 401, code: 'session_ended' });
    }
  }
}

describeWith(['postgres', 'redis'], 'two processes on one PostgreSQL and one Redis', () => {
  beforeAll(async () => {
    postgres = await PostgresServer.start();
  });
  afterAll(() => postgres.stop());
  afterEach(async () => {
    await Promise.all(processes.map((app) => app.stop()));
    processes = [];
  });

  describe('through faults of Redis', () => {
    let redis: RedisServer;
    beforeEach(async () => {
      redis = await RedisServer.start();
      await startProcesses(redis.url);
    });
    afterEach(() => redis.stop());

    it('propagate a logout to the other process at once', async () => {
      const session = await logIn();
      for (const url of urls()) expect(await get('/hello', session, url)).toBe(200);
      await call('/auth/logout', session, urls()[0]);
      await until(async () => (await get('/hello', session, urls()[1])) === 401);
    });

    it(
      'end no session and continue to refresh when Redis crashes and loses its data',
      () =>
        liveThrough(async ({ refreshed }) => {
          await redis.kill();
          await refreshed(4);
          await redis.restart();
        }),
      90_000,
    );

    it(
      'end no session when Redis does not respond for a while',
      () =>
        liveThrough(async ({ refreshed }) => {
          redis.freeze();
          await refreshed(4);
          redis.thaw();
        }),
      90_000,
    );

    it(
      'end no session and revive no ended session when Redis is flushed',
      () =>
        liveThrough(async ({ refreshed }) => {
          await redis.flush();
          await refreshed(2);
          await redis.flush();
        }),
      90_000,
    );

    it('propagate a logout through the database while Redis is down', async () => {
      const session = await logIn();
      await redis.kill();
      for (const url of urls()) expect(await get('/hello', session, url)).toBe(200);
      // The log also names the problem.
      const logged = () => processes.flatMap(({ log }) => log.map(({ msg }) => String(msg)));
      await until(() => logged().some((message) => message.startsWith('Redis is unavailable')));
      expect((await call('/auth/logout', session, urls()[0])).status).toBe(204);
      await until(async () => (await get('/hello', session, urls()[1])) === 401);
      await redis.restart();
      await ready();
      expect((await call('/auth/refresh', session, urls()[1])).code).toBe('session_ended');
    }, 90_000);

    it('can start while Redis is down', async () => {
      await redis.kill();
      const [first] = processes;
      const late = await startApp({
        DATABASE_URL: postgres.url,
        REDIS_URL: redis.url,
        AUTH_SECRET,
        PUBLIC_URL: first?.url ?? '',
      });
      processes.push(late);
      const session = await logIn();
      expect((await call('/auth/refresh', session, late.url)).status).toBe(200);
      await redis.restart();
      await ready();
      expect((await call('/auth/refresh', session, late.url)).status).toBe(200);
    }, 90_000);
  });

  describe('through faults of Redis with persistence', () => {
    let redis: RedisServer;
    beforeEach(async () => {
      redis = await RedisServer.start({ appendOnly: true });
      await startProcesses(redis.url);
    });
    afterEach(() => redis.stop());

    it(
      'end no session and revive no ended session when Redis restores old data',
      () =>
        liveThrough(async ({ refreshed }) => {
          await redis.kill();
          await refreshed(6);
          await redis.restart();
        }),
      90_000,
    );
  });

  describe('through faults of Redis with a replica', () => {
    it('end no session when Redis fails over and loses its last writes', async () => {
      const master = await RedisServer.start();
      const replica = await RedisServer.start({ replicaOf: master });
      const proxy = await FailOverProxy.before(master.port);
      await until(async () =>
        String(await replica.command('INFO', 'replication')).includes('master_link_status:up'),
      );
      await startProcesses(proxy.url);
      try {
        await liveThrough(async ({ refreshed }) => {
          replica.freeze();
          await refreshed(4);
          await master.kill();
          replica.thaw();
          await replica.promote();
          proxy.failOver(replica.port);
        });
      } finally {
        await Promise.all([proxy.stop(), master.stop(), replica.stop()]);
      }
    }, 90_000);
  });

  describe('through faults of PostgreSQL', () => {
    let redis: RedisServer;
    beforeEach(async () => {
      redis = await RedisServer.start();
      await startProcesses(redis.url);
    });
    afterEach(async () => {
      await postgres.restart();
      await redis.stop();
    });

    it('end no session and serve active sessions when PostgreSQL crashes', async () => {
      const active = await logIn();
      expect((await call('/auth/refresh', active)).status).toBe(200);
      const sleeping = await logIn();
      await postgres.crash();
      for (const url of urls()) {
        expect(await get('/hello', active, url)).toBe(200);
        expect(await get('/users/me', active, url)).toBe(503);
        expect((await call('/auth/refresh', active, url)).status).toBe(200);
        expect(await call('/auth/refresh', sleeping, url)).toMatchObject({ status: 503, cookies: [] });
        expect(await call('/auth/logout', active, url)).toMatchObject({ status: 503, cookies: [] });
      }
      await postgres.restart();
      await ready();
      expect((await call('/auth/refresh', sleeping)).status).toBe(200);
      expect((await call('/auth/logout', active)).status).toBe(204);
    }, 90_000);

    it(
      'end no session when PostgreSQL crashes and recovers within requests',
      () =>
        liveThrough(
          async ({ refreshed }) => {
            await postgres.crash();
            await refreshed(4);
            await postgres.restart();
          },
          { refreshing: true },
        ),
      90_000,
    );

    it(
      'end no session when PostgreSQL does not respond for a while',
      () =>
        liveThrough(async ({ refreshed }) => {
          postgres.freeze();
          await refreshed(3);
          postgres.thaw();
        }),
      90_000,
    );

    it(
      'end no session when PostgreSQL and Redis crash together',
      () =>
        liveThrough(
          async () => {
            await redis.kill();
            await postgres.crash();
            await sleep(2_000);
            await postgres.restart();
            await redis.restart();
          },
          { refreshing: false },
        ),
      90_000,
    );
  });
});
