import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { Denylist } from '../../src/access/denylist.js';
import type { RevocationFeed } from '../../src/access/revocation-feed.js';
import { CacheInvalidation } from '../../src/auth/sessions/cache-invalidation.js';
import { PostgresRevocationFeed } from '../../src/auth/sessions/postgres-revocation-feed.js';
import { SessionRows } from '../../src/auth/sessions/session-rows.js';
import { Secret } from '../../src/config/secret.js';
import { Redis } from '../../src/redis/redis.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';
import { testConfig } from '../support/fixtures/config.js';
import { LogRevocationFeed, type Revocation } from '../support/log-revocation-feed.js';
import { describeWith, type Program } from '../support/programs.js';
import { RedisServer } from '../support/servers/redis-server.js';
import { until } from '../support/until.js';

const config = testConfig({ DATABASE_URL: 'postgres://127.0.0.1/x', ACCESS_TOKEN_TTL: '600' });
const HOUR_MS = 3_600_000;

/** A process with a feed of its own. */
interface Process {
  readonly feed: RevocationFeed;
  readonly denylist: Denylist;
}

/** A form of the feed, and the source that its processes share. */
interface Form {
  readonly needs: readonly Program[];
  /** True where {@link RevocationFeed.publish} reaches other processes. */
  readonly publishes: boolean;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Starts a process; its feed cannot read the source while `isCut` returns true. */
  process(isCut: () => boolean): Promise<Process>;
  /** Ends a session at the source, and returns its id. */
  endSession(agoMs?: number): Promise<string>;
  /** Changes an account at the source, and returns its id. */
  changeAccount(): Promise<string>;
}

class LogForm implements Form {
  readonly needs = [];
  readonly publishes = false;
  private log: Revocation[] = [];

  async start(): Promise<void> {}
  async stop(): Promise<void> {}

  async process(isCut: () => boolean): Promise<Process> {
    const denylist = new Denylist(config);
    const read = async (offset: number) => {
      if (isCut()) throw new Error('AuthService is unavailable');
      return this.log.slice(offset);
    };
    return { denylist, feed: new LogRevocationFeed(denylist, read, config.accessTokenTtlS * 1_000) };
  }

  private add(kind: Revocation['kind'], agoMs = 0): string {
    const id = randomUUID();
    this.log.push({ kind, id, at: Date.now() - agoMs });
    return id;
  }

  async endSession(agoMs?: number): Promise<string> {
    return this.add('session', agoMs);
  }

  async changeAccount(): Promise<string> {
    return this.add('account');
  }
}

class PostgresForm implements Form {
  readonly needs: readonly Program[];
  readonly publishes: boolean;
  private app: TestApp | undefined;
  private server: RedisServer | undefined;
  private readonly connections: Redis[] = [];

  constructor(private readonly withRedis: boolean) {
    this.needs = withRedis ? ['redis'] : [];
    this.publishes = withRedis;
  }

  private get database(): DataSource {
    return this.app!.database;
  }

  async start(): Promise<void> {
    this.app = await startApp();
    if (this.withRedis) this.server = await RedisServer.start();
  }

  async stop(): Promise<void> {
    for (const redis of this.connections) redis.onApplicationShutdown();
    await this.app?.stop();
    await this.server?.stop();
  }

  async process(isCut: () => boolean): Promise<Process> {
    const { database } = this;
    const cuttable = new Proxy(database, {
      get: (target, name: keyof DataSource) => {
        if (name === 'query' && isCut())
          return () => Promise.reject(new Error('the database is unavailable'));
        return target[name];
      },
    });
    const redis = new Redis(this.server === undefined ? [] : [new Secret(this.server.url)]);
    this.connections.push(redis);
    const denylist = new Denylist(config);
    const invalidation = new CacheInvalidation(redis, new SessionRows(database, config));
    const feed = new PostgresRevocationFeed(cuttable, denylist, config, redis, invalidation);
    await feed.onModuleInit();
    return { denylist, feed };
  }

  async endSession(agoMs = 0): Promise<string> {
    const [id, accountId] = [randomUUID(), randomUUID()];
    await this.database.query("INSERT INTO auth.accounts (id, nickname) VALUES ($1, 'Mina')", [accountId]);
    await this.database.query(
      `INSERT INTO auth.sessions (id, account_id, method, device, expires_at, ended_at, changed_at)
       SELECT $1, $2, 'kakao', '', now() + interval '1 day', at, at
       FROM (SELECT now() - make_interval(secs => $3) AS at) AS ended`,
      [id, accountId, agoMs / 1_000],
    );
    return id;
  }

  async changeAccount(): Promise<string> {
    const id = randomUUID();
    await this.database.query(
      "INSERT INTO auth.accounts (id, nickname, changed_at) VALUES ($1, 'Mina', now())",
      [id],
    );
    return id;
  }
}

const FORMS: [string, Form][] = [
  ['a log, without AuthService', new LogForm()],
  ['PostgreSQL', new PostgresForm(false)],
  ['PostgreSQL and Redis', new PostgresForm(true)],
];

for (const [name, form] of FORMS) {
  describeWith(form.needs, `the revocation feed from ${name}`, () => {
    let isCut = false;
    let process: Process;
    let other: Process;
    beforeAll(() => form.start());
    afterAll(() => form.stop());
    beforeEach(async () => {
      isCut = false;
      process = await form.process(() => isCut);
      other = await form.process(() => false);
      await process.feed.resync();
      await other.feed.resync();
    });
    afterEach(() => void jest.restoreAllMocks());
    const verdict = (accountId: string, issuedAt: number) =>
      process.denylist.verdict({
        actor: { accountId, sessionId: randomUUID(), roles: [] },
        keyId: 'a key',
        issuedAt,
        expiresAt: Date.now() + HOUR_MS,
      });
    const nowS = () => Math.floor(Date.now() / 1_000);

    it('denies a published session in its own process at once', () => {
      const sessionId = randomUUID();
      process.feed.publish(sessionId);
      expect(process.denylist.hasSession(sessionId)).toBe(true);
    });

    it('finds sessions that another process ended', async () => {
      const sessionId = await form.endSession();
      other.feed.publish(sessionId);
      await process.feed.poll();
      expect(process.denylist.hasSession(sessionId)).toBe(true);
    });

    it('finds changed accounts, and leaves tokens from after the change valid', async () => {
      const before = nowS();
      const accountId = await form.changeAccount();
      await process.feed.poll();
      const after = process.denylist.issueAt(accountId);
      expect([verdict(accountId, before), verdict(accountId, after)]).toEqual(['outdated', undefined]);
      const later = Date.now() + 60_000;
      jest.spyOn(Date, 'now').mockImplementation(() => later);
      await process.feed.poll();
      expect([verdict(accountId, before), verdict(accountId, after)]).toEqual(['outdated', undefined]);
    });

    it('rejects while its source is down, and finds the same revocations afterwards', async () => {
      isCut = true;
      const [sessionId, accountId] = [await form.endSession(), await form.changeAccount()];
      await expect(process.feed.poll()).rejects.toThrow('unavailable');
      isCut = false;
      await process.feed.poll();
      expect([process.denylist.hasSession(sessionId), verdict(accountId, nowS())]).toEqual([
        true,
        'outdated',
      ]);
    });

    it('resyncs revocations from before the start, as far as their tokens may be valid', async () => {
      const [recent, old] = [await form.endSession(60_000), await form.endSession(HOUR_MS)];
      const started = await form.process(() => false);
      await started.feed.resync();
      expect([recent, old].map((id) => started.denylist.hasSession(id))).toEqual([true, false]);
    });

    if (!form.publishes) return;
    it('sends published sessions to other processes without a poll', async () => {
      const sessionId = randomUUID();
      other.feed.publish(sessionId);
      await until(() => process.denylist.hasSession(sessionId));
    });
  });
}
