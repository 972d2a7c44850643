import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { FastifyRequest } from 'fastify';
import { withDeadline } from '../../src/database/deadline.js';
import { poolOf } from '../../src/database/postgres-pool.js';
import { REQUEST_BUDGET_MS } from '../../src/http/request-budget.js';
import { READINESS_BUDGET_MS } from '../../src/observability/readiness.js';
import { logOutage } from '../../src/problems/outage-log.js';
import { RepeatedLines } from '../../src/logging/repeated-lines.js';
import { openSession, signedIn, type SignedIn } from '../support/fixtures/actors.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';
import { FailOverProxy } from '../support/servers/fail-over-proxy.js';
import { PostgresServer } from '../support/servers/postgres-server.js';
import { describeWith } from '../support/programs.js';
import { RedisServer } from '../support/servers/redis-server.js';

const AUTH_SECRET = randomBytes(32).toString('base64');
/** Tolerance in ms above the budget for a busy machine. A client with a time-out of 5 s still gets its response. */
const MARGIN_MS = 900;

describeWith(['postgres', 'redis'], 'while a store does not respond', () => {
  /** Application with its own connections to the stores, and a user. */
  interface Setup {
    readonly app: TestApp;
    readonly inFront: { readonly postgres: FailOverProxy; readonly redis: FailOverProxy };
    readonly mina: SignedIn;
    readonly accessToken: string;
  }
  const setups: Setup[] = [];
  const setUp = async (to: RedisServer): Promise<Setup> => {
    const inFront = {
      postgres: await FailOverProxy.before(postgres.port),
      redis: await FailOverProxy.before(to.port),
    };
    const app = await startApp({
      DATABASE_URL: `postgres://daemun@127.0.0.1:${inFront.postgres.address}/postgres`,
      DATABASE_POOL: '4',
      REDIS_URL: inFront.redis.url,
      AUTH_SECRET,
    });
    const setup = {
      app,
      inFront,
      mina: await signedIn(app),
      accessToken: (await openSession(app)).accessToken,
    };
    setups.push(setup);
    return setup;
  };

  let postgres: PostgresServer;
  let redis: RedisServer;
  let pausedRedis: RedisServer;
  /** For the tests of working stores. */
  let working: Setup;
  beforeAll(async () => {
    [postgres, redis, pausedRedis] = await Promise.all([
      PostgresServer.start(),
      RedisServer.start(),
      RedisServer.start(),
    ]);
    working = await setUp(redis);
  });
  afterAll(async () => {
    postgres.thaw();
    pausedRedis.thaw();
    await Promise.all(setups.flatMap(({ inFront }) => Object.values(inFront).map((proxy) => proxy.stop())));
    await Promise.all(setups.map(({ app }) => app.stop()));
    await Promise.all([postgres.stop(), redis.stop(), pausedRedis.stop()]);
  });

  /** The outcome of a request: its status with the required headers, or the client's time-out. */
  const outcome = async (
    call: (signal: AbortSignal) => Promise<Response>,
    budget = REQUEST_BUDGET_MS,
  ): Promise<string> => {
    try {
      const answer = await call(AbortSignal.timeout(budget + MARGIN_MS));
      await answer.text();
      // A logout of the previous round may have ended a session of this round.
      if (answer.status !== 503) return answer.status < 500 ? 'result' : String(answer.status);
      return answer.headers.has('retry-after') ? 'unavailable' : '503 without Retry-After';
    } catch (error) {
      return (error as Error).name;
    }
  };
  const sendTo =
    ({ url }: TestApp) =>
    (method: string, path: string, body?: string, headers: Record<string, string> = {}) =>
      outcome((signal) =>
        fetch(url + path, {
          method,
          signal,
          headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
          ...(body !== undefined && { body }),
        }),
      );
  /** Sends every kind of request several times. Returns the outcomes. */
  const round = async (
    { app, accessToken }: Setup,
    tokens: readonly { refreshToken: string }[],
  ): Promise<Set<unknown>> => {
    const send = sendTo(app);
    const credentials = JSON.stringify({ email: 'mina@example.com', password: 'correct horse battery' });
    const authorization = `Bearer ${accessToken}`;
    const requests = tokens.flatMap(({ refreshToken }) => {
      const cookie = `refresh=${refreshToken}`;
      return [
        send('POST', '/auth/refresh', undefined, { cookie }),
        send('POST', '/auth/logout', undefined, { cookie }),
        send('POST', '/auth/login', credentials),
        send('GET', '/boards'),
        send('GET', '/users/me', undefined, { authorization }),
        send('PATCH', '/users/me', '{"bio":"x"}', { authorization }),
      ];
    });
    // The 503 of /health has no Retry-After, because load balancers poll anyway.
    const ready = outcome((signal) => fetch(`${app.url}/health/ready`, { signal }), READINESS_BUDGET_MS);
    const outcomes = await Promise.all(requests);
    return new Set([...outcomes, (await ready).replace('503 without Retry-After', 'unavailable')]);
  };

  interface Fault {
    /** Redis server of the application. */
    readonly to?: () => RedisServer;
    readonly begin: (setup: Setup) => unknown;
    readonly end?: (setup: Setup) => Promise<void>;
  }
  let held: { release(): void }[] = [];
  /** Faults between one application and its stores. */
  const CONNECTION_FAULTS: Record<string, Fault> = {
    'the network holds back requests to PostgreSQL': {
      begin: ({ inFront }) => inFront.postgres.holdRequests(),
    },
    'the network holds back responses of PostgreSQL': {
      begin: ({ inFront }) => inFront.postgres.holdAnswers(),
    },
    'Redis is paused': { to: () => pausedRedis, begin: () => pausedRedis.freeze() },
    'the network holds back requests to Redis': { begin: ({ inFront }) => inFront.redis.holdRequests() },
    'the pool is exhausted': {
      begin: async ({ app }) => {
        held = await Promise.all(Array.from({ length: 4 }, () => poolOf(app.database).connect()));
      },
      end: async ({ mina }) => {
        for (const client of held) client.release();
        expect((await mina.call('GET', '/users/me')).status).toBe(200);
      },
    },
  };
  /** Faults of PostgreSQL, which all applications share. */
  const SERVER_FAULTS: Record<string, Fault> = {
    'PostgreSQL is paused': { begin: () => postgres.freeze() },
    'both are paused': {
      to: () => pausedRedis,
      begin: () => [postgres, pausedRedis].forEach((store) => store.freeze()),
    },
  };

  /** Sends rounds to one application for each fault, at the same time. Returns the outcomes that a client cannot handle. */
  const unhandledDuring = async (faults: Record<string, Fault>): Promise<Record<string, unknown[]>> => {
    const begun = await Promise.all(
      Object.entries(faults).map(async ([name, { to = () => redis, begin, end }]) => {
        const setup = await setUp(to());
        const tokens = await Promise.all(Array.from({ length: 4 }, () => openSession(setup.app)));
        return { name, setup, tokens, begin, end };
      }),
    );
    for (const { setup, begin } of begun) await begin(setup);
    const unhandled = begun.map(async ({ name, setup, tokens }) => {
      const outcomes: unknown[] = [];
      // First the connections are open, then the pool is exhausted, then new connections are opened.
      for (let turn = 0; turn < 3; turn++) outcomes.push(...(await round(setup, tokens)));
      return [name, outcomes.filter((each) => each !== 'result' && each !== 'unavailable')];
    });
    const all = Object.fromEntries(await Promise.all(unhandled)) as Record<string, unknown[]>;
    for (const { setup, end } of begun) await end?.(setup);
    for (const store of [postgres, pausedRedis]) store.thaw();
    return all;
  };
  const running = new Map<Record<string, Fault>, ReturnType<typeof unhandledDuring>>();

  it.each(
    [CONNECTION_FAULTS, SERVER_FAULTS].flatMap((faults) =>
      Object.keys(faults).map((name) => ({ name, faults })),
    ),
  )('every request is answered within the budget when $name', async ({ name, faults }) => {
    const unhandled = running.get(faults) ?? unhandledDuring(faults);
    running.set(faults, unhandled);
    expect((await unhandled)[name]).toEqual([]);
  });

  it('a statement ends before the client gets 503', async () => {
    const { rows } = await poolOf(working.app.database).query<{ ms: number }>(
      "SELECT setting::integer AS ms FROM pg_settings WHERE name = 'statement_timeout'",
    );
    expect(rows[0]?.ms).toBeLessThan(REQUEST_BUDGET_MS);
  });

  it('the statements of one request share its deadline', async () => {
    const left = await withDeadline(working.app.database, 1_000, async (db) => {
      const times: number[] = [];
      for (let i = 0; i < 2; i++) {
        const [{ ms }] = await db.query<[{ ms: number }]>(
          "SELECT setting::integer AS ms, pg_sleep(0.1) FROM pg_settings WHERE name = 'statement_timeout'",
        );
        times.push(ms);
      }
      return times;
    });
    expect(left[1]).toBeLessThan(left[0] ?? 0);
  });

  it('many 503 responses are logged as one line, without a stack', async () => {
    const { app, mina } = working;
    postgres.freeze();
    await round(working, []);
    const get = () => mina.call('GET', '/users/me');
    const before = app.log.length;
    const answers = await Promise.all(Array.from({ length: 30 }, get));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
    const lines = app.log
      .slice(before)
      .filter(({ code, status }) => code === 'temporarily_unavailable' || status === 503);
    const reasons = new Set(lines.map(({ reason }) => reason));
    expect(lines).toHaveLength(reasons.size);
    expect(JSON.stringify(lines)).not.toContain('stack');
  });
});

describe('the log of 503 responses', () => {
  afterEach(() => void jest.useRealTimers());

  it('has the first in full, and then one line with their number per interval', () => {
    jest.useFakeTimers();
    const error = jest.fn();
    const server = { outageLines: new RepeatedLines(10_000) };
    const request = { log: { error }, server } as unknown as FastifyRequest;
    const answer = (reason: string) => logOutage(request, { reqId: '1', reason }, 'unavailable');
    for (let i = 0; i < 5; i++) answer('connection_lost');
    answer('pool_exhausted');
    expect(error.mock.calls).toEqual([
      [{ reqId: '1', reason: 'connection_lost' }, 'unavailable'],
      [{ reqId: '1', reason: 'pool_exhausted' }, 'unavailable'],
    ]);
    jest.advanceTimersByTime(10_000);
    expect(error.mock.calls.slice(2)).toEqual([
      [{ reason: 'connection_lost', answers: 4, seconds: 10 }, 'unavailable: repeated'],
    ]);
    jest.advanceTimersByTime(20_000);
    answer('connection_lost');
    expect(error.mock.calls.slice(3)).toEqual([[{ reqId: '1', reason: 'connection_lost' }, 'unavailable']]);
  });
});
