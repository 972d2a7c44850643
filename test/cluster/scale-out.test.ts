import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { openSession } from '../support/fixtures/actors.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';
import { HonestBrowser, whileBrowsing } from '../support/fixtures/honest-browser.js';
import { PostgresServer } from '../support/servers/postgres-server.js';
import { describeWith } from '../support/programs.js';
import { processRuns } from '../support/runs.js';
import { RedisServer } from '../support/servers/redis-server.js';
import { ServerProcess } from '../support/servers/server-process.js';
import { until } from '../support/until.js';

const PROCESSES = 4;
const CLIENTS = 24;
/** Number of replacements: two of three processes are killed, and the third is stopped gracefully. */
const REPLACEMENTS = 3 * processRuns(1);

/** Time limit of a step. */
const STEP_MS = 30_000;

describeWith(['postgres', 'redis'], 'four processes behind a load balancer without sticky sessions', () => {
  let postgres: PostgresServer;
  let redis: RedisServer;
  let opener: TestApp;
  const servers: ServerProcess[] = [];
  beforeAll(async () => {
    [postgres, redis] = await Promise.all([PostgresServer.start(), RedisServer.start()]);
    const env = {
      DATABASE_URL: postgres.url,
      REDIS_URL: redis.url,
      AUTH_SECRET: randomBytes(32).toString('base64'),
      REFRESH_GRACE_SECONDS: '6',
      // The processes have no sandbox and no provider of their own.
      OAUTH_SANDBOX_URL: 'http://127.0.0.1:9',
      MAIL_URL: 'smtp://127.0.0.1:9',
    };
    opener = await startApp(env);
    // The processes start in parallel on a migrated database.
    const started = Array.from({ length: PROCESSES }, () =>
      ServerProcess.start({ ...env, PUBLIC_URL: opener.url }),
    );
    servers.push(...(await Promise.all(started)));
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.kill()));
    await opener.stop();
    await Promise.all([postgres.stop(), redis.stop()]);
  });

  it(
    'end no session and keep one lineage per session while processes are replaced',
    async () => {
      const urls = () => servers.map(({ url }) => url);
      const browsers: HonestBrowser[] = [];
      for (let i = 0; i < CLIENTS; i++) {
        const { refreshToken } = await openSession(opener);
        browsers.push(
          new HonestBrowser({ urls, cookie: refreshToken, timeoutMs: 3_000, pauseMs: 1_500, lossRate: 0.05 }),
        );
      }
      const counts = () => browsers.map(({ statistics }) => statistics.refreshed);
      /** Waits until every browser has received this number of further refreshed tokens. */
      const refreshed = async (times: number) => {
        const before = counts();
        const isWrong = () => browsers.some(({ statistics }) => statistics.wrong.length > 0);
        await until(
          () => isWrong() || counts().every((count, i) => count >= (before[i] ?? 0) + times),
          STEP_MS,
        );
      };
      await whileBrowsing(browsers, 2, async () => {
        for (let turn = 0; turn < REPLACEMENTS; turn++) {
          const server = servers[turn % PROCESSES];
          await refreshed(1);
          await (turn % 3 === 2 ? server?.stop() : server?.kill());
          await refreshed(1);
          await server?.restart();
        }
        await refreshed(2);
      });

      expect(browsers.flatMap(({ statistics }) => statistics.wrong)).toEqual([]);
      for (const browser of browsers) {
        expect(browser.statistics.refreshed).toBeGreaterThan(3);
        // Every process issues the same successor, or the token itself shortly before the end of its grace.
        const cookie = browser.cookie;
        const successors = await Promise.all(
          urls().map(async (url) => {
            const answer = await fetch(`${url}/auth/refresh`, {
              method: 'POST',
              headers: { cookie: `refresh=${cookie}` },
            });
            return answer.headers.getSetCookie()[0]?.split(';')[0];
          }),
        );
        expect(successors).toEqual(successors.map(() => expect.stringMatching(/^refresh=daemun_rt1_/)));
        expect(
          new Set(successors.filter((successor) => successor !== `refresh=${cookie}`)).size,
        ).toBeLessThanOrEqual(1);
      }
      const sum = (of: (browser: HonestBrowser) => number) =>
        browsers.reduce((total, browser) => total + of(browser), 0);
      process.stdout.write(
        `scale-out: ${sum(({ statistics }) => statistics.refreshed)} refreshes, ${sum(({ statistics }) => statistics.read)} reads, ` +
          `${sum(({ statistics }) => statistics.lost)} lost, ${sum(({ statistics }) => statistics.unavailable)} unavailable, 0 wrong\n`,
      );
    },
    REPLACEMENTS * 3 * STEP_MS,
  );
});
