import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Redis, script } from '../src/redis/redis.js';
import { Secret } from '../src/secret.js';
import { describeWith } from './support/programs.js';
import { RedisCluster, type RedisServer } from './support/redis-server.js';

/** Asks until it is so. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('it never came to be');
    await sleep(50);
  }
}

describeWith('redis', 'the way to a Redis Cluster', () => {
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
  /** How many connections the nodes have, without the one that asks. */
  const connections = async (nodes: readonly RedisServer[] = cluster.nodes) => {
    const lists = await Promise.all(nodes.map((node) => node.command('CLIENT', 'LIST')));
    return lists.map((list) => String(list).trim().split('\n').length - 1).reduce((a, b) => a + b, 0);
  };

  it('hears messages again after the connection that hears them broke', async () => {
    for (const node of cluster.nodes) await node.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await until(async () => {
      await redis.publish('news', 'of today').catch(() => {});
      return heard.length > 0;
    });
  });

  it('leaves no connections behind while a node does not answer', async () => {
    const before = await connections();
    const [, , frozen, ...others] = [...cluster.nodes];
    expect(others).toEqual([]);
    frozen?.freeze();
    await until(() => !redis.up);
    // Long enough for several attempts, each of which makes connections.
    await sleep(6_000);
    frozen?.thaw();
    await until(() => redis.up);
    await until(async () => (await connections()) === before);
  });
});
