import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { INITIAL_STATE, rotate } from '../../src/auth/sessions/rotation.js';
import { MAX_REQUEST_AGE_MS } from '../../src/auth/sessions/pause-detector.js';
import { RefreshTokens } from '../../src/auth/sessions/refresh-token.js';
import { DerivedKeys } from '../../src/crypto/derived-keys.js';
import { openSession } from '../support/fixtures/actors.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';
import { FailOverProxy } from '../support/servers/fail-over-proxy.js';
import { HonestBrowser, whileBrowsing } from '../support/fixtures/honest-browser.js';
import { PostgresServer } from '../support/servers/postgres-server.js';
import { describeWith } from '../support/programs.js';
import { processRuns } from '../support/runs.js';
import { RedisServer } from '../support/servers/redis-server.js';
import { ServerProcess } from '../support/servers/server-process.js';

/** Histories advance in whole steps and the grace ends half a step off: the duration of a request decides no case. */
const STEP = 10_000;
const AUTH_SECRET = randomBytes(32).toString('base64');

let postgres: PostgresServer;
/** Opens sessions and returns their tokens. */
let opener: TestApp;
let tokens: RefreshTokens;
let servers: ServerProcess[] = [];

function start(env: Record<string, string>): Promise<ServerProcess> {
  return ServerProcess.start({
    DATABASE_URL: postgres.url,
    AUTH_SECRET,
    PUBLIC_URL: opener.url,
    OAUTH_SANDBOX_URL: 'http://127.0.0.1:9',
    MAIL_URL: 'smtp://127.0.0.1:9',
    ...env,
  });
}
/** Starts two processes, with settings of the first and of both. */
async function startTwo(first: Record<string, string>, both: Record<string, string>): Promise<void> {
  servers = await Promise.all([start({ ...both, ...first }), start(both)]);
}
async function open() {
  const { refreshToken, accessToken } = await openSession(opener);
  const { handle, sessionId } = tokens.parse(refreshToken) ?? {};
  if (handle === undefined || sessionId === undefined) throw new Error('no token');
  return { handle, sessionId, refreshToken, accessToken };
}
/** Returns the successor that a process issues, or the problem code. */
async function refresh(server: ServerProcess | undefined, refreshToken: string): Promise<string | undefined> {
  const answer = await fetch(`${server?.url}/auth/refresh`, {
    method: 'POST',
    headers: { cookie: `refresh=${refreshToken}` },
  });
  const { code } = (await answer.json()) as { code?: string };
  return code ?? /^refresh=([^;]+)/.exec(answer.headers.getSetCookie()[0] ?? '')?.[1];
}
/** Advances the time of a session by one minute. */
async function passInRow(sessionId: string): Promise<void> {
  await opener.database.query(
    'UPDATE auth.sessions SET rotated_at = rotated_at - 60000, issued_at = issued_at - 60000 WHERE id = $1',
    [sessionId],
  );
}
async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('the condition was not true within 20 s');
    await sleep(5);
  }
}

describeWith(['postgres', 'redis'], 'two real processes', () => {
  beforeAll(async () => {
    postgres = await PostgresServer.start();
    opener = await startApp({ DATABASE_URL: postgres.url, AUTH_SECRET });
    tokens = new RefreshTokens(new DerivedKeys(opener.config));
  });
  const stopServers = () => Promise.all(servers.map((server) => server.kill()));
  afterAll(async () => {
    await opener.stop();
    await postgres.stop();
  });

  describe('on one PostgreSQL', () => {
    const GRACE = 25;
    let proxy: FailOverProxy;
    beforeAll(async () => {
      proxy = await FailOverProxy.before(postgres.port);
      const behind = Object.assign(new URL(postgres.url), { port: String(proxy.address) });
      await startTwo(
        { DATABASE_URL: behind.href },
        { REFRESH_GRACE_SECONDS: String(GRACE), REVOCATION_POLL_SECONDS: '2' },
      );
    });
    afterAll(async () => {
      await stopServers();
      await proxy.stop();
    });

    it('equal the pure rotation step in every history when they take turns', async () => {
      const step = fc.record({
        back: fc.integer({ min: -2, max: 4 }),
        wait: fc.nat({ max: 5 }),
        process: fc.nat({ max: 1 }),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (history) => {
          const { handle, sessionId } = await open();
          let state = INITIAL_STATE;
          let now = 100_000_000;
          for (const { back, wait, process } of history) {
            now += wait * STEP;
            await opener.database.query(
              'UPDATE auth.sessions SET rotated_at = rotated_at - $2, issued_at = issued_at - $2 WHERE id = $1',
              [sessionId, wait * STEP],
            );
            const p = Math.max(1, state.current - back);
            const expected = rotate(state, p, now, GRACE * 1000);
            const answer = await refresh(servers[process], tokens.mint(handle, p));
            if (expected.outcome === 'reused') {
              expect(answer).toBe('session_ended');
              return;
            }
            expect(answer).toBe(tokens.mint(handle, expected.state.current));
            state = expected.state;
          }
        }),
        { numRuns: 60 },
      );
    }, 120_000);

    it('refuse in a process that was paused the refreshes whose clients have given up', async () => {
      const { handle, sessionId, refreshToken } = await open();
      const pass = () => passInRow(sessionId);
      expect(await refresh(servers[0], refreshToken)).toBe(tokens.mint(handle, 2));
      await pass();
      servers[0]?.freeze();
      const late = refresh(servers[0], tokens.mint(handle, 2));
      expect(await refresh(servers[1], tokens.mint(handle, 2))).toBe(tokens.mint(handle, 3));
      await pass();
      await sleep(MAX_REQUEST_AGE_MS + 500);
      servers[0]?.thaw();
      expect(await late).toBe('temporarily_unavailable');
      expect(await refresh(servers[1], tokens.mint(handle, 3))).toBe(tokens.mint(handle, 4));
      await until(async () => (await refresh(servers[0], tokens.mint(handle, 3))) === tokens.mint(handle, 4));
    });

    it('refuse ended sessions in a process that was paused for a poll interval', async () => {
      const { refreshToken, accessToken } = await open();
      const me = async () =>
        (await fetch(`${servers[1]?.url}/users/me`, { headers: { authorization: `Bearer ${accessToken}` } }))
          .status;
      expect(await me()).toBe(200);
      servers[1]?.freeze();
      const cookie = `refresh=${refreshToken}`;
      await fetch(`${servers[0]?.url}/auth/logout`, { method: 'POST', headers: { cookie } });
      await sleep(2_200);
      const asked = me();
      servers[1]?.thaw();
      expect(await asked).toBe(401);
      // For some ticks after a pause the process refuses refreshes.
      const other = (await open()).refreshToken;
      await until(async () => (await refresh(servers[1], other)) !== 'temporarily_unavailable');
    });

    it('refuse a rotation step that reaches the database late after a network partition', async () => {
      const { handle, sessionId, refreshToken } = await open();
      const pass = () => passInRow(sessionId);
      expect(await refresh(servers[0], refreshToken)).toBe(tokens.mint(handle, 2));
      await pass();
      proxy.holdRequests();
      const late = refresh(servers[0], tokens.mint(handle, 2));
      expect(await refresh(servers[1], tokens.mint(handle, 2))).toBe(tokens.mint(handle, 3));
      await pass();
      await sleep(MAX_REQUEST_AGE_MS + 500);
      proxy.release();
      expect(await late).toBe('temporarily_unavailable');
      expect(await refresh(servers[1], tokens.mint(handle, 3))).toBe(tokens.mint(handle, 4));
    });

    it('reissue the same successor from the row after a process was killed', async () => {
      const { handle, sessionId, refreshToken } = await open();
      const current = async () =>
        (
          await opener.database.query<[{ current: number }]>(
            'SELECT current FROM auth.sessions WHERE id = $1',
            [sessionId],
          )
        )[0].current;
      // The connection has prepared the statement by now, so that it takes one message.
      for (let i = 0; i < 20; i++) await refresh(servers[0], (await open()).refreshToken);
      proxy.holdAnswers();
      const lost = refresh(servers[0], refreshToken).catch(() => 'no answer');
      await until(async () => (await current()) === 2);
      await servers[0]?.kill();
      expect(await lost).toBe('no answer');
      expect(await refresh(servers[1], refreshToken)).toBe(tokens.mint(handle, 2));
      expect(await current()).toBe(2);
    }, 60_000);
  });

  describe('on one PostgreSQL and one Redis', () => {
    let redis: RedisServer;
    let proxy: FailOverProxy;
    beforeAll(async () => {
      redis = await RedisServer.start();
      proxy = await FailOverProxy.before(redis.port);
      await startTwo({ REDIS_URL: proxy.url }, { REDIS_URL: redis.url, REFRESH_GRACE_SECONDS: '6' });
    });
    afterAll(async () => {
      await stopServers();
      await proxy.stop();
      await redis.stop();
    });

    it('end no honest session and revive no ended session while Redis comes and goes', async () => {
      const fault = fc.record({
        kind: fc.constantFrom('kill', 'freeze', 'flush'),
        before: fc.nat({ max: 1_500 }),
        length: fc.oneof(fc.nat({ max: 1_500 }), fc.nat({ max: 4_000 })),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(fault, { minLength: 2, maxLength: 4 }), async (faults) => {
          const urls = () => servers.map(({ url }) => url);
          const browsers: HonestBrowser[] = [];
          for (let i = 0; i < 10; i++) {
            const { refreshToken } = await open();
            browsers.push(
              new HonestBrowser({
                urls,
                cookie: refreshToken,
                timeoutMs: 3_000,
                pauseMs: 600,
                lossRate: 0.15,
              }),
            );
          }
          const left = await open();
          await fetch(`${servers[0]?.url}/auth/logout`, {
            method: 'POST',
            headers: { cookie: `refresh=${left.refreshToken}` },
          });
          await whileBrowsing(browsers, 2, async () => {
            for (const { kind, before, length } of faults) {
              await sleep(before);
              if (kind === 'flush') await redis.flush();
              else if (kind === 'freeze') redis.freeze();
              else await redis.kill();
              await sleep(length);
              if (kind === 'freeze') redis.thaw();
              if (kind === 'kill') await redis.restart();
              for (const server of servers)
                expect(await refresh(server, left.refreshToken)).toBe('session_ended');
            }
            await sleep(1_000);
          });
          expect(browsers.flatMap(({ statistics }) => statistics.wrong)).toEqual([]);
          for (const { statistics } of browsers) expect(statistics.refreshed).toBeGreaterThan(0);
        }),
        { numRuns: processRuns(1), endOnFailure: true },
      );
    }, 180_000);

    it('reissue the same successor from Redis after a process was killed', async () => {
      const currentOf = async (id: string) =>
        Number(await redis.command('HGET', `daemun:session:${id}`, 'current'));
      // The processes use Redis again some seconds after the last fault.
      for (const server of servers) {
        await until(async () => {
          const session = await open();
          await refresh(server, session.refreshToken);
          return (await currentOf(session.sessionId)) === 2;
        });
      }
      const { handle, sessionId, refreshToken } = await open();
      const current = () => currentOf(sessionId);
      // Loads the session into Redis first, because reading the row takes statements too.
      expect(await refresh(servers[0], refreshToken)).toBe(tokens.mint(handle, 2));
      await redis.command('HINCRBY', `daemun:session:${sessionId}`, 'rotated_at', String(-60_000));
      await redis.command('HINCRBY', `daemun:session:${sessionId}`, 'issued_at', String(-60_000));
      proxy.holdAnswers();
      const lost = refresh(servers[0], tokens.mint(handle, 2)).catch(() => 'no answer');
      await until(async () => (await current()) === 3);
      await servers[0]?.kill();
      expect(await lost).toBe('no answer');
      expect(await refresh(servers[1], tokens.mint(handle, 2))).toBe(tokens.mint(handle, 3));
      expect(await current()).toBe(3);
      // Property 5: Redis does not hold the material of a token either.
      const held = String(await redis.command('HGETALL', `daemun:session:${sessionId}`));
      expect(held).not.toMatch(
        new RegExp(`${handle.toString('hex')}|${handle.toString('base64url')}|daemun_rt`),
      );
    }, 60_000);
  });
});
