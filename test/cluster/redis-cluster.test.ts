import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { databaseOptions } from '../../src/database/options.js';
import { Denylist } from '../../src/access/denylist.js';
import { SessionRows } from '../../src/auth/sessions/session-rows.js';
import { CacheInvalidation } from '../../src/auth/sessions/cache-invalidation.js';
import { PostgresRevocationFeed } from '../../src/auth/sessions/postgres-revocation-feed.js';
import { migrate } from '../../src/database/migrate.js';
import { slotOf } from '../../src/redis/connection.js';
import { Redis, script } from '../../src/redis/redis.js';
import { Secret } from '../../src/config/secret.js';
import { testConfig } from '../support/fixtures/config.js';
import { soleSessionCache } from '../support/fixtures/session-cache.js';
import { PostgresServer } from '../support/servers/postgres-server.js';
import { describeWith } from '../support/programs.js';
import { RedisCluster, type RedisServer } from '../support/servers/redis-server.js';
import { until } from '../support/until.js';

describeWith('redis', 'the client of a Redis Cluster', () => {
  let cluster: RedisCluster;
  let redis: Redis;
  const heard: string[] = [];
  beforeEach(async () => {
    cluster = await RedisCluster.start(3);
    redis = new Redis(cluster.url.split(',').map((url) => new Secret(url)));
    heard.length = 0;
    redis.onMessage('news', (message) => void heard.push(message));
    await redis.start();
    expect(redis.up).toBe(true);
  });
  afterEach(async () => {
    redis.onApplicationShutdown();
    await cluster.stop();
  });
  /** Returns the number of connections to the nodes, except the connection of this query. */
  const connections = async (nodes: readonly RedisServer[] = cluster.nodes) => {
    const lists = await Promise.all(nodes.map((node) => node.command('CLIENT', 'LIST')));
    return lists.map((list) => String(list).trim().split('\n').length - 1).reduce((a, b) => a + b, 0);
  };

  it('receives messages again after its subscriber connection broke', async () => {
    for (const node of cluster.nodes) await node.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await until(async () => {
      await redis.publish('news', 'of today').catch(() => {});
      return heard.length > 0;
    });
  });

  it('remains unavailable without flapping while one of the nodes hangs', async () => {
    const write = script("return redis.call('SET', KEYS[1], '1')");
    // Any single node would be the wrong node for some of these keys.
    for (const node of cluster.nodes) {
      await node.command('CONFIG', 'SET', 'maxmemory', '1');
      await until(async () => {
        for (let i = 0; i < 50 && redis.up; i++) await redis.run(write, `key-${i}`, []).catch(() => {});
        return !redis.up;
      });
      let returns = 0;
      redis.onReconnect(async () => void returns++);
      await sleep(2_500);
      expect(redis.up).toBe(false);
      expect(returns).toBe(0);
      await node.command('CONFIG', 'SET', 'maxmemory', '0');
      await until(() => redis.up);
    }
  });

  it('computes the node of a key', async () => {
    for (const key of ['daemun:probe:0', 'daemun:probe:17', 'ä', '123456789']) {
      expect(slotOf(key)).toBe(await cluster.nodes[0]?.command('CLUSTER', 'KEYSLOT', key));
    }
  });

  it('leaks no connections while a node does not respond', async () => {
    const before = await connections();
    const [, , frozen, ...others] = [...cluster.nodes];
    expect(others).toEqual([]);
    frozen?.freeze();
    await until(() => !redis.up);
    // Long enough for several connection attempts.
    await sleep(6_000);
    frozen?.thaw();
    await until(() => redis.up);
    await until(async () => (await connections()) === before);
  });
});

describeWith(['postgres', 'redis'], 'a Redis Cluster that fails over to a replica with lost writes', () => {
  it('revives no ended session of any age, although no connection breaks', async () => {
    const [postgres, cluster] = await Promise.all([
      PostgresServer.start(),
      RedisCluster.start(3, { replicas: true }),
    ]);
    const config = testConfig({ DATABASE_URL: postgres.url });
    const options = databaseOptions({ url: postgres.url, poolSize: 10 });
    await migrate(options);
    const database = await new DataSource(options).initialize();
    const redis = new Redis(cluster.url.split(',').map((url) => new Secret(url)));
    // The feed fills another denylist, so that only the entries in Redis show which sessions have ended.
    const store = soleSessionCache(redis, database, config);
    const invalidation = new CacheInvalidation(redis, new SessionRows(database, config));
    const feed = new PostgresRevocationFeed(database, new Denylist(config), config, redis, invalidation);
    await feed.onModuleInit();
    try {
      // One session per node, so that any node may fail over.
      const accountId = randomUUID();
      await database.query(`INSERT INTO auth.accounts (id, nickname) VALUES ($1, 'mina')`, [accountId]);
      const left: string[] = [];
      for (let i = 0; i < 30; i++) {
        const id = randomUUID();
        await store.open({ id, accountId, method: 'kakao' });
        expect(await store.rotate(id, 1)).toMatchObject({ generation: 2 });
        left.push(id);
      }
      for (const node of cluster.nodes) expect(await node.command('WAIT', '1', '5000')).toBe(1);
      for (const replica of cluster.replicas) await replica.stopFollowing();
      for (const id of left) await store.end(id, { reason: 'logged_out' });
      await store.evictEverywhere(left);
      await database.query(
        `UPDATE auth.sessions SET ended_at = now() - interval '1 hour', changed_at = now() - interval '1 hour'`,
      );
      const returns: true[] = [];
      redis.onReconnect(async () => void returns.push(true));
      for (const replica of cluster.replicas) await replica.command('CLUSTER', 'FAILOVER', 'TAKEOVER');
      while (returns.length === 0 || !redis.up) {
        for (const id of left) expect(await store.rotate(id, 2)).toBeUndefined();
      }
      expect(redis.uncertaintyAge()).toBeLessThan(0);
      for (const id of left) expect(await store.rotate(id, 2)).toBeUndefined();
    } finally {
      redis.onApplicationShutdown();
      await database.destroy();
      await Promise.all([postgres.stop(), cluster.stop()]);
    }
  });
});
