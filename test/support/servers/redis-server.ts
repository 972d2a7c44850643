import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@redis/client';
import { freePorts } from './ports.mjs';

interface Options {
  /** Writes every command to a file, so that data survives a restart. */
  readonly appendOnly?: boolean;
  readonly replicaOf?: RedisServer;
  readonly cluster?: boolean;
  /** Further lines of `redis.conf`; several values are separated by spaces. */
  readonly settings?: Readonly<Record<string, string>>;
}

const LINKED = 'master_link_status:up';

/** Waits up to 20 seconds until a condition is true. */
async function attempt(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await condition().catch(() => false)); tries++) {
    if (tries === 400) throw new Error('the cluster did not form');
    await sleep(50);
  }
}

/** redis-server in a temporary folder, on a free port. */
export class RedisServer {
  private process: ChildProcess | undefined;
  private readonly dir = mkdtempSync(join(tmpdir(), 'daemun-redis-'));

  private constructor(
    readonly port: number,
    /** Port of the cluster bus. Redis' default, `port` + 10,000, may exceed the range of ports. */
    readonly busPort: number,
    private readonly options: Options,
  ) {}

  static async start(options: Options = {}): Promise<RedisServer> {
    const [port = 0, busPort = 0] = await freePorts(2);
    const server = new RedisServer(port, busPort, options);
    await server.restart();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts the server again after {@link kill}, with the same port and file. */
  async restart(): Promise<void> {
    const { appendOnly = false, replicaOf, cluster = false, settings: more = {} } = this.options;
    const settings = {
      port: this.port,
      bind: '127.0.0.1',
      dir: this.dir,
      save: '',
      appendonly: appendOnly ? 'yes' : 'no',
      appendfsync: 'always',
      ...(replicaOf && { replicaof: `127.0.0.1 ${replicaOf.port}` }),
      ...(cluster && {
        'cluster-enabled': 'yes',
        'cluster-port': this.busPort,
        'cluster-node-timeout': '2000',
      }),
      ...more,
    };
    const args = Object.entries(settings).flatMap(([name, value]) =>
      name === 'replicaof' || name === 'bind'
        ? [`--${name}`, ...String(value).split(' ')]
        : [`--${name}`, String(value)],
    );
    this.process = spawn('redis-server', args, { stdio: 'ignore' });
    // A server that a failed test left running must not keep the run from ending.
    this.process.unref();
    process.once('exit', this.killHard);
    for (let attempt = 0; ; attempt++) {
      try {
        await this.command('PING');
        return;
      } catch (error) {
        if (attempt === 200) throw error;
        await sleep(25);
      }
    }
  }

  /** Ends the server at once, as a power failure does. */
  async kill(): Promise<void> {
    const { process: child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await exited;
    process.off('exit', this.killHard);
  }

  /** Suspends the server, so that it does not respond. */
  freeze(): void {
    this.process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.process?.kill('SIGCONT');
  }

  async flush(): Promise<void> {
    await this.command('FLUSHALL');
  }

  /** Promotes a replica to a primary. */
  async promote(): Promise<void> {
    await this.command('REPLICAOF', 'NO', 'ONE');
  }

  /** Breaks the replication link of a replica. Other connections of its master stay open. */
  async stopFollowing(): Promise<void> {
    await this.command('CONFIG', 'SET', 'masterauth', 'wrong');
    await this.command('CLIENT', 'KILL', 'TYPE', 'master');
  }

  async command(...command: string[]): Promise<unknown> {
    const client = createClient({
      url: this.url,
      socket: { reconnectStrategy: false, connectTimeout: 2_000 },
    });
    client.on('error', () => {});
    await client.connect();
    try {
      return await client.sendCommand(command);
    } finally {
      client.destroy();
    }
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.dir, { recursive: true, force: true });
  }

  private readonly killHard = (): void => void this.process?.kill('SIGKILL');
}

/** Redis Cluster of a number of masters, optionally with one replica each. */
export class RedisCluster {
  private constructor(
    readonly nodes: readonly RedisServer[],
    readonly replicas: readonly RedisServer[],
  ) {}

  static async start(masters = 3, { replicas: withReplicas = false } = {}): Promise<RedisCluster> {
    const nodes = await Promise.all(
      Array.from({ length: masters }, () => RedisServer.start({ cluster: true })),
    );
    const slots = 16_384;
    for (const [i, node] of nodes.entries()) {
      const [from, to] = [Math.floor((i * slots) / masters), Math.floor(((i + 1) * slots) / masters) - 1];
      await node.command('CLUSTER', 'ADDSLOTSRANGE', String(from), String(to));
      await node.command('CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1));
    }
    const replicas = await Promise.all(
      nodes.slice(0, withReplicas ? masters : 0).map(() => RedisServer.start({ cluster: true })),
    );
    for (const { port, busPort } of [...nodes.slice(1), ...replicas])
      await nodes[0]?.command('CLUSTER', 'MEET', '127.0.0.1', String(port), String(busPort));
    for (const node of nodes) {
      await attempt(async () => String(await node.command('CLUSTER', 'INFO')).includes('cluster_state:ok'));
    }
    for (const [i, replica] of replicas.entries()) {
      const id = String(await nodes[i]?.command('CLUSTER', 'MYID'));
      // Fails until the replica knows its master.
      await attempt(async () => (await replica.command('CLUSTER', 'REPLICATE', id)) === 'OK');
      await attempt(async () => String(await replica.command('INFO', 'replication')).includes(LINKED));
    }
    return new RedisCluster(nodes, replicas);
  }

  get url(): string {
    return this.nodes.map(({ url }) => url).join(',');
  }

  async stop(): Promise<void> {
    await Promise.all([...this.nodes, ...this.replicas].map((node) => node.stop()));
  }
}
