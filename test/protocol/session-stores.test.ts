import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DataSource } from 'typeorm';
import { databaseOptions } from '../../src/database/options.js';
import type { SessionCache } from '../../src/auth/sessions/session-cache.js';
import { SessionRows } from '../../src/auth/sessions/session-rows.js';
import { EVICT } from '../../src/auth/sessions/rotation.lua.js';
import { INITIAL_STATE, rotate } from '../../src/auth/sessions/rotation.js';
import type { RotatedSession, SessionStore } from '../../src/auth/sessions/session-store.js';
import { migrate } from '../../src/database/migrate.js';
import { Redis, script } from '../../src/redis/redis.js';
import { Secret } from '../../src/config/secret.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';
import { faultyHistories, histories, unfold } from './history.js';
import { storeRuns } from '../support/runs.js';
import { testConfig } from '../support/fixtures/config.js';
import { soleSessionCache } from '../support/fixtures/session-cache.js';
import { startDatabase } from '../support/fixtures/shared-database.js';
import { describeWith } from '../support/programs.js';
import { RedisCluster, RedisServer } from '../support/servers/redis-server.js';
import { until } from '../support/until.js';

/**
 * The clock of the store runs in real time. Histories advance in whole steps and the grace ends half a step off, so
 * that the duration of a statement decides no case.
 */
const STEP = 10_000;
const config = testConfig({ REFRESH_GRACE_SECONDS: '25' });
const GRACE = config.refreshGraceS * 1000;
const NEVER = 1e12;

/** A kind of store, with the controls that the tests need. */
interface Rig {
  readonly database: DataSource;
  readonly store: SessionStore;
  /** The store as another process sees it. */
  readonly other: SessionStore;
  /** Runs a step in which the store may have lost writes newer than `uncertaintyAge` ms. */
  rotate(id: string, generation: number, uncertaintyAge: number): Promise<RotatedSession | undefined>;
  /** True if the uncertainty interval reaches to the first step, because the store learns of the session then. */
  readonly seeds: boolean;
  /** Advances the time of one session by moving its timestamps back. */
  pass(id: string, ms: number): Promise<void>;
}

async function passInRow(database: DataSource, id: string, ms: number): Promise<void> {
  await database.query(
    `UPDATE auth.sessions SET rotated_at = rotated_at - $2, issued_at = issued_at - $2, changed_at = changed_at - make_interval(secs => $2 / 1000.0),
       created_at = created_at - make_interval(secs => $2 / 1000.0), expires_at = expires_at - make_interval(secs => $2 / 1000.0)
     WHERE id = $1`,
    [id, ms],
  );
}

/** Contract suite of session stores. */
function sessionStoreSuite(rig: () => Rig): void {
  const store = () => rig().store;

  async function openSession(): Promise<string> {
    const [accountId, id] = [randomUUID(), randomUUID()];
    await rig().database.query(`INSERT INTO auth.accounts (id, nickname) VALUES ($1, 'mina')`, [accountId]);
    await store().open({ id, accountId, method: 'password' });
    return id;
  }
  const endOf = async (id: string) => {
    const [row] = await rig().database.query<[{ end_reason: string | null }]>(
      'SELECT end_reason FROM auth.sessions WHERE id = $1',
      [id],
    );
    return row.end_reason;
  };

  const eventsOf = async (id: string) => {
    const rows = await rig().database.query<{ kind: string }[]>(
      'SELECT kind FROM auth.audit_events WHERE session_id = $1 ORDER BY kind',
      [id],
    );
    return rows.map(({ kind }) => kind);
  };

  it('equals the pure rotation step in every history, also under uncertainty', async () => {
    const steps = fc.array(
      fc.record({
        back: fc.integer({ min: -3, max: 5 }),
        wait: fc.nat({ max: 5 }),
        uncertainty: fc.option(fc.integer({ min: -1, max: 5 }), { freq: 3 }),
      }),
      { minLength: 1, maxLength: 15 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (history) => {
        const id = await openSession();
        let state = INITIAL_STATE;
        let now = 100_000_000;
        let seededAt: number | undefined;
        for (const { back, wait, uncertainty } of history) {
          await rig().pass(id, wait * STEP);
          now += wait * STEP;
          seededAt ??= rig().seeds ? now : -Infinity;
          const p = Math.max(1, state.current - back);
          const uncertaintyAge = uncertainty === null ? NEVER : uncertainty * STEP + STEP / 4;
          const expected = rotate(state, p, now, GRACE, Math.max(now - uncertaintyAge, seededAt));
          const answered = await rig().rotate(id, p, uncertaintyAge);
          expect(answered?.outcome).toBe(expected.outcome);
          if (expected.outcome === 'reused') {
            expect(await endOf(id)).toBe('reused');
            return;
          }
          expect(answered?.generation).toBe(expected.state.current);
          state = expected.state;
        }
      }),
      { numRuns: storeRuns(80) },
    );
  });

  it('property 1 (one lineage): ends no honest session in any history of retries', async () => {
    await fc.assert(
      fc.asyncProperty(histories, async (history) => {
        const id = await openSession();
        const refreshes = unfold(history);
        let now = 0;
        let next = refreshes.next();
        while (next.done !== true) {
          if (next.value.kind !== 'refresh') throw new Error('there are no faults');
          const { generation, at } = next.value;
          await rig().pass(id, at - now);
          now = at;
          const answered = await rig().rotate(id, generation, NEVER);
          expect(answered?.outcome).toMatch(/^(rotated|reissued|recovered)$/);
          next = refreshes.next(answered?.generation ?? 0);
        }
      }),
      { numRuns: storeRuns(20) },
    );
  });

  /** Presents generations with pauses to the store and to the pure function. Returns the outcomes of the store. */
  async function answersTo(steps: readonly (readonly [wait: number, generation: number])[]) {
    const id = await openSession();
    const answers: unknown[] = [];
    const expected: unknown[] = [];
    let state = INITIAL_STATE;
    let now = 100_000_000;
    for (const [wait, p] of steps) {
      await rig().pass(id, wait);
      now += wait;
      answers.push((await rig().rotate(id, p, NEVER))?.outcome);
      const outcome = rotate(state, p, now, GRACE);
      expected.push(outcome.outcome);
      state = outcome.state;
    }
    expect(answers).toEqual(expected);
    return answers;
  }
  const [SHORT, LONG] = [0.6 * GRACE, 1.2 * GRACE];

  it('property 2 (detection): ends a busy session on reuse of an abandoned successor', async () => {
    const answers = await answersTo([
      [LONG, 1], // the thief, with a copy of the owner's cookie
      [LONG, 1], // the owner, from here on
      [SHORT, 3],
      [SHORT, 3],
      [LONG, 2], // the thief
    ]);
    expect(answers).toEqual(['rotated', 'recovered', 'reissued', 'rotated', 'reused']);
  });

  it('property 2 (detection): ends a session on reuse of an hour-old copy', async () => {
    const hour: [wait: number, generation: number][] = [];
    for (let waited = 0; waited < 3_600_000; waited += 2 * SHORT) {
      const held = 1 + hour.length / 2;
      hour.push([SHORT, held], [SHORT, held]);
    }
    const answers = await answersTo([[LONG, 1], ...hour.slice(2), [SHORT, 1]]);
    expect(answers.at(-1)).toBe('reused');
    expect(answers.indexOf('reused')).toBe(answers.length - 1);
  });

  it('property 4: issues one successor to parallel requests with one token', async () => {
    const id = await openSession();
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, i) => (i % 2 === 0 ? rig().store : rig().other).rotate(id, 1)),
    );
    expect(answers.map((answer) => answer?.generation)).toEqual(Array(30).fill(2));
    expect(answers.filter((answer) => answer?.outcome === 'rotated')).toHaveLength(1);
  });

  it('property 3 (ended stays ended): refuses a session that a login replaced', async () => {
    const id = await openSession();
    await store().rotate(id, 1);
    const [accountId, next] = [randomUUID(), randomUUID()];
    await rig().database.query(`INSERT INTO auth.accounts (id, nickname) VALUES ($1, 'juno')`, [accountId]);
    const ended = await store().open({ id: next, accountId, method: 'password', replaces: [id] });
    expect(ended).toEqual([id]);
    await store().evictEverywhere(ended);
    for (const each of [rig().store, rig().other]) expect(await each.rotate(id, 2)).toBeUndefined();
    expect([await endOf(id), await store().wasReplaced(id)]).toEqual(['replaced', true]);
    expect(await store().rotate(next, 1)).toMatchObject({ outcome: 'rotated', accountId });
  });

  it('property 3 (ended stays ended): refuses an ended session in every process', async () => {
    const id = await openSession();
    await store().rotate(id, 1);
    expect(await store().end(id, { reason: 'logged_out' })).toEqual(expect.any(String));
    await store().evictEverywhere([id]);
    for (const each of [rig().store, rig().other]) {
      expect(await each.rotate(id, 1)).toBeUndefined();
      expect(await each.rotate(id, 2)).toBeUndefined();
      expect(await each.rotate(id, 99)).toBeUndefined();
    }
  });

  it('does not end a session of another account', async () => {
    const id = await openSession();
    await store().rotate(id, 1);
    expect(await store().end(id, { reason: 'ended_from_list' }, randomUUID())).toBeUndefined();
    expect(await store().rotate(id, 1)).toMatchObject({ generation: 2 });
  });

  it('ends a session on reuse, and refuses its current token too', async () => {
    const id = await openSession();
    for (const p of [1, 2, 3]) {
      await rig().pass(id, 60_000);
      await rig().rotate(id, p, NEVER);
    }
    await rig().pass(id, 60_000);
    expect((await rig().rotate(id, 1, NEVER))?.outcome).toBe('reused');
    expect(await store().rotate(id, 4)).toBeUndefined();
    expect(await rig().other.rotate(id, 4)).toBeUndefined();
  });

  it('records opening, recovery and reuse as audit events', async () => {
    const id = await openSession();
    const outcomes: unknown[] = [];
    for (const p of [1, 1, 2]) {
      await rig().pass(id, 60_000);
      outcomes.push((await rig().rotate(id, p, NEVER))?.outcome);
    }
    expect(outcomes).toEqual(['rotated', 'recovered', 'reused']);
    const events = ['session_opened', 'session_recovered', 'session_reused'];
    await until(async () => isDeepStrictEqual(await eventsOf(id), events));
  });

  it('keeps the first reason for which a session ended', async () => {
    const id = await openSession();
    await store().end(id, { reason: 'logged_out' });
    expect(await store().end(id, { reason: 'reused' })).toBeUndefined();
    expect(await endOf(id)).toBe('logged_out');
  });

  it('refuses a rotation step past its deadline in any state of the session', async () => {
    const id = await openSession();
    const ended = await openSession();
    await store().end(ended, { reason: 'logged_out' });
    for (const each of [rig().store, rig().other]) {
      for (const session of [id, ended]) {
        const late = each.rotate(session, 1, performance.now() - 1_000);
        await expect(late).rejects.toMatchObject({ code: 'temporarily_unavailable' });
      }
    }
    expect(await store().rotate(id, 1, performance.now() + 10_000)).toMatchObject({ outcome: 'rotated' });
    expect(await store().rotate(ended, 1, performance.now() + 10_000)).toBeUndefined();
  });

  it('refuses a session that was never opened', async () => {
    expect(await store().rotate(randomUUID(), 1)).toBeUndefined();
  });

  it('returns the account and roles of a session, but not of a disabled account', async () => {
    const id = await openSession();
    expect(await store().rotate(id, 1)).toMatchObject({ accountId: expect.any(String), roles: ['user'] });
    const disabled = await openSession();
    await rig().database.query(
      `UPDATE auth.accounts SET status = 'disabled' WHERE id = (SELECT account_id FROM auth.sessions WHERE id = $1)`,
      [disabled],
    );
    expect((await store().rotate(disabled, 1))?.roles).toBeUndefined();
  });

  it('ends a session after the idle limit', async () => {
    const id = await openSession();
    await rig().pass(id, config.sessionIdleS * 1000 - STEP);
    expect(await store().rotate(id, 1)).toMatchObject({ outcome: 'rotated' });
    await rig().pass(id, config.sessionIdleS * 1000 + STEP);
    expect(await store().rotate(id, 2)).toBeUndefined();
  });

  it('ends a session at the absolute limit despite activity', async () => {
    const id = await openSession();
    const idle = config.sessionIdleS * 1000 - STEP;
    let p = 1;
    for (let passed = idle; passed < config.sessionMaxS * 1000; passed += idle) {
      await rig().pass(id, idle);
      expect(await store().rotate(id, p++)).toMatchObject({ outcome: 'rotated' });
    }
    await rig().pass(id, idle);
    expect(await store().rotate(id, p)).toBeUndefined();
  });
}

function postgresRig(database: DataSource): Rig {
  const store = new SessionRows(database, config);
  return {
    database,
    store,
    other: new SessionRows(database, config),
    rotate: (id, p, uncertaintyAge) =>
      store.rotate(id, p, undefined, uncertaintyAge === NEVER ? undefined : uncertaintyAge),
    seeds: false,
    pass: (id, ms) => passInRow(database, id, ms),
  };
}

describe('sessions in the embedded database', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp();
  });
  afterAll(() => app.stop());
  sessionStoreSuite(() => postgresRig(app.database));
});

describeWith('postgres', 'sessions in PostgreSQL', () => {
  let server: Awaited<ReturnType<typeof startDatabase>>;
  let database: DataSource;
  beforeAll(async () => {
    server = await startDatabase();
    await migrate(databaseOptions({ url: server.url, poolSize: 10 }));
    database = await new DataSource(databaseOptions({ url: server.url, poolSize: 10 })).initialize();
  });
  afterAll(async () => {
    await database.destroy();
    await server.stop();
  });
  sessionStoreSuite(() => postgresRig(database));

  describe.each([
    ['one Redis', () => RedisServer.start()],
    ['a Redis Cluster of three', () => RedisCluster.start(3)],
  ])('with %s as a cache', (_, start) => {
    let redisServer: RedisServer | RedisCluster;
    const links: Redis[] = [];
    let rig: Rig;
    beforeAll(async () => {
      redisServer = await start();
      const connect = async () => {
        const redis = new Redis(redisServer.url.split(',').map((url) => new Secret(url)));
        await redis.start();
        expect(redis.up).toBe(true);
        links.push(redis);
        return redis;
      };
      rig = redisRig(database, await connect(), await connect());
    });
    afterAll(async () => {
      for (const link of links.splice(0)) link.onApplicationShutdown();
      await redisServer.stop();
    });
    sessionStoreSuite(() => rig);

    it('property 1 (one lineage): ends no honest session while Redis fails over', async () => {
      const rows = new SessionRows(database, config);
      const accountId = randomUUID();
      await database.query(`INSERT INTO auth.accounts (id, nickname) VALUES ($1, 'mina')`, [accountId]);
      const changedSince = async (id: string, age: number) =>
        (
          await database.query<[{ touched: boolean | null }]>(
            'SELECT changed_at > now() - make_interval(secs => $2 / 1000.0) AS touched FROM auth.sessions WHERE id = $1',
            [id, age],
          )
        )[0].touched === true;
      await fc.assert(
        fc.asyncProperty(faultyHistories, async (history) => {
          const id = randomUUID();
          await rig.store.open({ id, accountId, method: 'password' });
          const key = `daemun:session:${id}`;
          let copies: { readonly at: number; readonly fields: string[] }[] = [];
          const happenings = unfold(history);
          let now = 0;
          let next = happenings.next();
          while (next.done !== true) {
            const event = next.value;
            await rig.pass(id, event.at - now);
            now = event.at;
            let given = 0;
            if (event.kind === 'flush') await links[0]?.run(EVICT, key, []);
            if (event.kind === 'fail over') {
              copies = copies.filter(({ at }) => at <= now - event.back);
              const copy = copies.at(-1);
              await links[0]?.run(RESTORE, key, copy?.fields ?? []);
              if (copy !== undefined) await links[0]?.run(PASS, key, [now - copy.at]);
            }
            // One second more, because the clock of the row keeps running.
            if (event.kind === 'reconnect' && (await changedSince(id, now - event.goodAt + 1_000))) {
              await links[0]?.run(EVICT, key, []);
            }
            if (event.kind === 'refresh') {
              const { generation, away, uncertainUntil } = event;
              const uncertaintyAge = uncertainUntil === -Infinity ? NEVER : now - uncertainUntil;
              const answered = away
                ? await rows.rotate(id, generation, undefined, uncertaintyAge)
                : await rig.rotate(id, generation, uncertaintyAge);
              expect(answered?.outcome).toMatch(/^(rotated|reissued|recovered)$/);
              given = answered?.generation ?? 0;
              // The hourly update of the row.
              await (rig.store as SessionCache).onApplicationShutdown();
              if (!away) copies.push({ at: now, fields: (await links[0]?.run(COPY, key, [])) as string[] });
            }
            next = happenings.next(given);
          }
        }),
        { numRuns: storeRuns(20) },
      );
    });

    it('sends one command to Redis per refresh, and no statement for the row', async () => {
      const [accountId, id] = [randomUUID(), randomUUID()];
      await database.query(`INSERT INTO auth.accounts (id, nickname) VALUES ($1, 'mina')`, [accountId]);
      await rig.store.open({ id, accountId, method: 'password' });
      await rig.store.rotate(id, 1);
      // The step does not notice a deleted row until it has to write to it.
      await database.query('DELETE FROM auth.sessions WHERE id = $1', [id]);
      expect(await rig.store.rotate(id, 1)).toMatchObject({ outcome: 'reissued', generation: 2, accountId });
    });

    it('updates the row once an hour', async () => {
      const [accountId, id] = [randomUUID(), randomUUID()];
      await database.query(`INSERT INTO auth.accounts (id, nickname) VALUES ($1, 'mina')`, [accountId]);
      await rig.store.open({ id, accountId, method: 'password' });
      const currentInRow = async () =>
        (
          await database.query<[{ current: number }]>('SELECT current FROM auth.sessions WHERE id = $1', [id])
        )[0].current;
      await rig.store.rotate(id, 1);
      await rig.pass(id, 60_000);
      await rig.store.rotate(id, 2);
      expect(await currentInRow()).toBe(1);
      await rig.pass(id, 3_600_000);
      await rig.store.rotate(id, 3);
      await (rig.store as SessionCache).onApplicationShutdown();
      expect(await currentInRow()).toBe(4);
    });

    it('does not end a session for reuse when the row has newer state than Redis', async () => {
      const [accountId, id] = [randomUUID(), randomUUID()];
      await database.query(`INSERT INTO auth.accounts (id, nickname) VALUES ($1, 'mina')`, [accountId]);
      await rig.store.open({ id, accountId, method: 'password' });
      for (const p of [1, 2, 3]) {
        await rig.rotate(id, p, NEVER);
        await rig.pass(id, 60_000);
      }
      // Meanwhile, a process without Redis serves the session from its old row.
      const rows = new SessionRows(database, config);
      expect(await rows.rotate(id, 1, undefined, 0)).toMatchObject({ outcome: 'rotated', generation: 2 });
      expect(await rig.rotate(id, 1, NEVER)).toMatchObject({ outcome: 'reissued', generation: 2 });
    });

    it('decides reuse once, also when the row has a time in the future', async () => {
      const [accountId, id] = [randomUUID(), randomUUID()];
      await database.query(`INSERT INTO auth.accounts (id, nickname) VALUES ($1, 'mina')`, [accountId]);
      await rig.store.open({ id, accountId, method: 'password' });
      // As after a fail-over of the database to a server whose clock is behind.
      await database.query(
        `UPDATE auth.sessions SET current = 10, parent = 9, oldest_valid = 8, oldest_retry = 9, changed_at = now() + interval '1 hour' WHERE id = $1`,
        [id],
      );
      expect(await rig.store.rotate(id, 1)).toMatchObject({ outcome: 'reused' });
      expect(await rig.other.rotate(id, 10)).toBeUndefined();
    });
  });
});

/** Moves the timestamps of a session back in Redis, as {@link passInRow} does in the row. */
const PASS = script(`
if redis.call('HEXISTS', KEYS[1], 'current') == 0 then return end
for _, field in ipairs({'rotated_at', 'issued_at', 'seeded', 'saved', 'expires'}) do
  redis.call('HSET', KEYS[1], field, string.format('%d', redis.call('HGET', KEYS[1], field) - ARGV[1]))
end
redis.call('PERSIST', KEYS[1])
`);

const COPY = script(`return redis.call('HGETALL', KEYS[1])`);
const RESTORE = script(`
redis.call('DEL', KEYS[1])
if #ARGV > 0 then redis.call('HSET', KEYS[1], unpack(ARGV)) end
`);

function redisRig(database: DataSource, redis: Redis, otherRedis: Redis): Rig {
  const uncertainty = { age: NEVER };
  for (const link of [redis, otherRedis]) link.uncertaintyAge = () => uncertainty.age;
  const [store, other] = [redis, otherRedis].map((link) => soleSessionCache(link, database, config));
  if (store === undefined || other === undefined) throw new Error('no store');
  return {
    database,
    store,
    other,
    rotate: async (id, p, uncertaintyAge) => {
      uncertainty.age = uncertaintyAge;
      try {
        return await store.rotate(id, p);
      } finally {
        uncertainty.age = NEVER;
      }
    },
    seeds: true,
    pass: async (id, ms) => {
      await passInRow(database, id, ms);
      await redis.run(PASS, `daemun:session:${id}`, [ms]);
    },
  };
}
