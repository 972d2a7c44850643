import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { openSession } from '../support/fixtures/actors.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';
import { CuttingProxy, POSTGRES, REDIS, type Cut } from '../support/servers/cutting-proxy.js';
import { PostgresServer } from '../support/servers/postgres-server.js';
import { describeWith } from '../support/programs.js';
import { processRuns } from '../support/runs.js';
import { RedisServer } from '../support/servers/redis-server.js';
import { ServerProcess } from '../support/servers/server-process.js';
import { until } from '../support/until.js';

const CUTS: readonly Cut[] = ['error', 'fin', 'rst'];
/** More messages than the set-up of a connection takes, or any request of this suite. */
const MOST_MESSAGES = 40;
const AUTH_SECRET = randomBytes(32).toString('base64');

let postgres: PostgresServer;
let redis: RedisServer;
let opener: TestApp;
let inFront: { readonly postgres: CuttingProxy; readonly redis: CuttingProxy };
let server: ServerProcess | undefined;

async function start(): Promise<ServerProcess> {
  server = await ServerProcess.start({
    DATABASE_URL: `postgres://daemun@127.0.0.1:${inFront.postgres.address}/postgres`,
    REDIS_URL: `redis://127.0.0.1:${inFront.redis.address}`,
    REVOCATION_POLL_SECONDS: '1',
    AUTH_SECRET,
    PUBLIC_URL: opener.url,
    OAUTH_SANDBOX_URL: 'http://127.0.0.1:9',
    MAIL_URL: 'smtp://127.0.0.1:9',
  });
  return server;
}

/** Returns the process of the previous test, or starts another. */
const running = async () => (server?.running === true ? server : start());

/** Refreshes a session, reads, writes and checks readiness in parallel, twice. Returns the statuses. */
async function use({ url }: ServerProcess): Promise<number[]> {
  const { accessToken, refreshToken } = await openSession(opener);
  const headers = { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' };
  const statuses: number[] = [];
  for (let turn = 0; turn < 2; turn++) {
    const answers = await Promise.all([
      fetch(`${url}/auth/refresh`, { method: 'POST', headers: { cookie: `refresh=${refreshToken}` } }),
      fetch(`${url}/users/me`, { headers }),
      fetch(`${url}/users/me`, { method: 'PATCH', headers, body: '{"bio":"x"}' }),
      fetch(`${url}/boards`),
      fetch(`${url}/health/ready`),
    ]);
    for (const answer of answers) {
      statuses.push(answer.status);
      await answer.text();
    }
  }
  return statuses;
}

async function recovers(process: ServerProcess): Promise<void> {
  await until(async () => (await use(process)).every((status) => status === 200));
}

describeWith(['postgres', 'redis'], 'connections that end between any two messages of the server', () => {
  beforeAll(async () => {
    [postgres, redis] = await Promise.all([PostgresServer.start(), RedisServer.start()]);
    opener = await startApp({ DATABASE_URL: postgres.url, AUTH_SECRET });
    inFront = {
      postgres: await CuttingProxy.before(postgres.port, POSTGRES),
      redis: await CuttingProxy.before(redis.port, REDIS),
    };
  });
  afterEach(() => {
    for (const proxy of Object.values(inFront)) proxy.open();
  });
  afterAll(async () => {
    await server?.kill();
    await Promise.all(Object.values(inFront).map((proxy) => proxy.stop()));
    await opener.stop();
    await Promise.all([postgres.stop(), redis.stop()]);
  });

  describe.each(['postgres', 'redis'] as const)('%s', (store) => {
    // The tests of a cut use one process: its start is delayed, its connections end, and it stops.
    for (const by of CUTS) {
      it(`delay a start, or refuse it with the setting (${by})`, async () => {
        await fc.assert(
          fc.asyncProperty(fc.integer({ min: 1, max: 2 * MOST_MESSAGES }), async (after) => {
            await server?.kill();
            inFront[store].cutAfter(after, by);
            const opened = setTimeout(() => inFront[store].open(), 1_500);
            const refusal = await start().then(() => undefined, String);
            clearTimeout(opened);
            inFront[store].open();
            if (refusal === undefined && server !== undefined) await recovers(server);
            else expect(refusal).toContain('Daemun could not start. The database cannot be used');
          }),
          { numRuns: processRuns(1), endOnFailure: true },
        );
      }, 300_000);

      it(`do not end the process (${by})`, async () => {
        const process = await running();
        for (let after = 1; after <= MOST_MESSAGES; after++) {
          inFront[store].cutAfter(after, by);
          const statuses = await use(process).catch((error: unknown) => [error]);
          const unexpected = statuses.filter((status) => status !== 200 && status !== 503);
          expect({ after, running: process.running, unexpected }).toEqual({
            after,
            running: true,
            unexpected: [],
          });
        }
        inFront[store].open();
        await recovers(process);
      }, 300_000);

      it(`do not delay the shutdown of the process (${by})`, async () => {
        await fc.assert(
          fc.asyncProperty(fc.integer({ min: 1, max: MOST_MESSAGES }), async (after) => {
            inFront[store].open();
            const process = await running();
            inFront[store].cutAfter(after, by);
            const used = use(process).catch(() => {});
            await process.stop();
            await used;
            expect(process.exitCode).toBe(0);
          }),
          { numRuns: processRuns(1), endOnFailure: true },
        );
      }, 300_000);
    }
  });
});
