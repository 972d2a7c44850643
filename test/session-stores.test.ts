import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DataSource } from 'typeorm';
import { databaseOptions } from '../ormconfig.js';
import { migrate } from '../src/database/migrate.js';
import { OPENING, present, type RotationState } from '../src/auth/sessions/rotation.js';
import { PostgresSessionStore } from '../src/auth/sessions/postgres-session-store.js';
import { describeWith } from './support/programs.js';
import { PostgresServer } from './support/postgres-server.js';
import { startApp, type TestApp } from './support/app.js';
import { testConfig } from './support/config.js';

/**
 * The store's clock runs on its own. Histories pass in whole steps, and the grace lies half a step off, so that the
 * milliseconds that a statement really takes never decide a case.
 */
const STEP = 10_000;
const config = testConfig({ REFRESH_GRACE_SECONDS: '25' });
const GRACE = config.refreshGrace * 1000;

/** The same promises for every store; `connect` gives the database below it. */
function sessionStoreSuite(connect: () => DataSource): void {
  const store = () => new PostgresSessionStore(connect(), config);

  async function openSession(): Promise<string> {
    const [accountId, id] = [randomUUID(), randomUUID()];
    await connect().query(`INSERT INTO auth.accounts (id, nickname) VALUES ($1, 'mina')`, [accountId]);
    await store().open({ id, accountId, method: 'password' });
    return id;
  }
  /** Lets time pass for one session by moving its past away. */
  async function pass(id: string, ms: number): Promise<void> {
    await connect().query(
      `UPDATE auth.sessions SET moved_at = moved_at - $2, handed_at = handed_at - $2,
         created_at = created_at - make_interval(secs => $2 / 1000.0), expires_at = expires_at - make_interval(secs => $2 / 1000.0)
       WHERE id = $1`,
      [id, ms],
    );
  }
  async function valuesOf(
    id: string,
  ): Promise<Omit<RotationState, 'movedAt' | 'handedAt'> & { ended: boolean }> {
    const [row] = await connect().query<
      [{ current: number; parent: number; floor: number; next: number; ended: boolean }]
    >('SELECT current, parent, floor, next, ended_at IS NOT NULL AS ended FROM auth.sessions WHERE id = $1', [
      id,
    ]);
    return row;
  }

  it('does what the pure step does, in every history', async () => {
    const steps = fc.array(fc.record({ back: fc.integer({ min: -3, max: 4 }), wait: fc.nat({ max: 5 }) }), {
      minLength: 1,
      maxLength: 15,
    });
    await fc.assert(
      fc.asyncProperty(steps, async (history) => {
        const id = await openSession();
        let state = OPENING;
        let now = 100_000_000;
        for (const { back, wait } of history) {
          await pass(id, wait * STEP);
          now += wait * STEP;
          const p = Math.max(1, state.current - back);
          const expected = present(state, p, now, GRACE);
          const answered = await store().present(id, p);
          expect(answered?.answer).toBe(expected.answer);
          const { movedAt: _, handedAt: __, ...values } = expected.state;
          const ended = expected.answer === 'reused';
          expect(await valuesOf(id)).toEqual({ ...values, ended });
          if (ended) return;
          expect(answered?.generation).toBe(expected.state.current);
          state = expected.state;
        }
      }),
      { numRuns: 150 },
    );
  });

  it('gives one successor to everyone who presents one token at once', async () => {
    const id = await openSession();
    const answers = await Promise.all(Array.from({ length: 30 }, () => store().present(id, 1)));
    expect(answers.map((answer) => answer?.generation)).toEqual(Array(30).fill(2));
    expect(answers.filter((answer) => answer?.answer === 'rotated')).toHaveLength(1);
  });

  it('ends a session once and for all', async () => {
    const id = await openSession();
    await store().end(id, 'logged_out');
    expect(await store().present(id, 1)).toBeUndefined();
    expect(await store().present(id, 99)).toBeUndefined();
  });

  it('ends a session on reuse, so that the right token does not work either', async () => {
    const id = await openSession();
    for (const p of [1, 2, 3]) {
      await pass(id, 60_000);
      await store().present(id, p);
    }
    await pass(id, 60_000);
    expect((await store().present(id, 1))?.answer).toBe('reused');
    expect(await store().present(id, 4)).toBeUndefined();
  });

  it('keeps why and when a session ended first', async () => {
    const id = await openSession();
    await store().end(id, 'logged_out');
    await store().end(id, 'reused');
    const [row] = await connect().query<[{ end_reason: string }]>(
      'SELECT end_reason FROM auth.sessions WHERE id = $1',
      [id],
    );
    expect(row.end_reason).toBe('logged_out');
  });

  it('remembers which sessions ended a moment ago', async () => {
    const [ended, older, alive] = [await openSession(), await openSession(), await openSession()];
    for (const id of [ended, older]) await store().end(id, 'logged_out');
    await connect().query("UPDATE auth.sessions SET ended_at = now() - interval '2 minutes' WHERE id = $1", [
      older,
    ]);
    const recent = await store().endedWithin(60);
    expect([ended, older, alive].map((id) => recent.includes(id))).toEqual([true, false, false]);
  });

  it('knows no session that was never opened', async () => {
    expect(await store().present(randomUUID(), 1)).toBeUndefined();
  });

  it('lets a session that nobody used for the idle limit be over', async () => {
    const id = await openSession();
    await pass(id, config.sessionIdle * 1000 - STEP);
    expect(await store().present(id, 1)).toMatchObject({ answer: 'rotated' });
    await pass(id, config.sessionIdle * 1000 + STEP);
    expect(await store().present(id, 2)).toBeUndefined();
  });

  it('lets a session be over at its absolute limit, however busy it is', async () => {
    const id = await openSession();
    const idle = config.sessionIdle * 1000 - STEP;
    let p = 1;
    for (let passed = idle; passed < config.sessionMax * 1000; passed += idle) {
      await pass(id, idle);
      expect(await store().present(id, p++)).toMatchObject({ answer: 'rotated' });
    }
    await pass(id, idle);
    expect(await store().present(id, p)).toBeUndefined();
  });
}

describe('sessions in the embedded database', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp();
  });
  afterAll(() => app.stop());
  sessionStoreSuite(() => app.database);
});

describeWith('postgres', 'sessions in PostgreSQL', () => {
  let server: PostgresServer;
  let dataSource: DataSource;
  beforeAll(async () => {
    server = await PostgresServer.start();
    await migrate(databaseOptions({ url: server.url }));
    dataSource = await new DataSource(databaseOptions({ url: server.url })).initialize();
  });
  afterAll(async () => {
    await dataSource.destroy();
    await server.stop();
  });
  sessionStoreSuite(() => dataSource);
});
