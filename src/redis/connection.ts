import type * as Client from '@redis/client';
import { UnsuitableRedis } from '../stores/redis-failures.js';
import type { Secret } from '../config/secret.js';

/** Answer to a heartbeat: the replication id, and the server's clock (ms since 1970). */
interface Pong {
  readonly history: string;
  readonly time: number;
}

/** Connection to one server or to a cluster. */
export interface Connection {
  send(key: string, command: string[]): Promise<unknown>;
  publish(channel: string, message: string): Promise<unknown>;
  subscribe(channel: string, listener: (message: string) => void): Promise<void>;
  /**
   * Heartbeat: pings every server that holds keys, and the subscriber's server. Returns their replication ids, which change
   * after a restart or a fail-over, and the latest of their clocks.
   */
  ping(): Promise<Pong>;
  /** Returns a key of each server that holds keys. */
  keyOnEach(prefix: string): string[];
  destroy(): void;
}

/** Time limit of a connection and of a reply. */
const TIMEOUT_MS = 1_000;
/**
 * Idle limit of a socket. Sockets in use get a heartbeat each second; the limit closes those that the client of a cluster was
 * still opening when it was destroyed, because it does not close them itself.
 */
const IDLE_MS = 4_000;

/** Keys that {@link Connection.keyOnEach} tries: enough for each node with more than a few slots. */
const MAX_TRIES = 20_000;
const SLOTS = 16_384;

/** Rejects where the work takes longer than {@link TIMEOUT_MS}. */
export async function withTimeout<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Opens a connection. One URL is a server, or any node of a cluster (managed clusters have a single endpoint); several are nodes
 * of a cluster. The client's own reconnection and queue are off: `onLost` receives each error of the connection.
 */
export async function openConnection(
  urls: readonly Secret[],
  onLost: (error: unknown) => void,
): Promise<Connection> {
  const [first, ...others] = urls.map((url) => optionsOf(url.reveal()));
  if (first === undefined) throw new Error('no REDIS_URL');
  // Installations without Redis do not load it, which takes a tenth of the time of a start.
  const client = await import('@redis/client');
  if (others.length > 0) return opened(toCluster(client, [first, ...others], onLost));
  const server = await opened(toServer(client, first, onLost));
  if (!server.isClusterNode) return server;
  server.destroy();
  return opened(toCluster(client, [first], onLost));
}

async function opened<T extends Connection>({ connecting, connection }: Opening<T>): Promise<T> {
  try {
    await withTimeout(connecting);
    return connection;
  } catch (error) {
    connection.destroy();
    throw error;
  }
}

/** Options of the client for one server. */
interface ServerOptions {
  readonly socket: { readonly host: string; readonly port: number; readonly tls?: true };
  readonly username?: string;
  readonly password?: string;
  readonly database?: number;
}

/** Parses `redis[s]://user:password@host:port/database`. IPv6 addresses are in brackets in URLs only. */
function optionsOf(url: string): ServerOptions {
  const { protocol, hostname, port, username, password, pathname } = new URL(url);
  const database = Number(pathname.replaceAll('/', '') || 0);
  return {
    socket: {
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: Number(port || 6379),
      ...(protocol === 'rediss:' && { tls: true }),
    },
    ...(username !== '' && { username: decodeURIComponent(username) }),
    ...(password !== '' && { password: decodeURIComponent(password) }),
    ...(database !== 0 && { database }),
  };
}

interface Opening<T extends Connection = Connection> {
  readonly connecting: Promise<unknown>;
  readonly connection: T;
}

const socket = { connectTimeout: TIMEOUT_MS, socketTimeout: IDLE_MS, reconnectStrategy: false } as const;

function toServer(
  { createClient }: typeof Client,
  options: ServerOptions,
  onLost: (error: unknown) => void,
): Opening<Connection & { readonly isClusterNode: boolean }> {
  const client = createClient({
    ...options,
    socket: { ...socket, ...options.socket },
    disableOfflineQueue: true,
  });
  const subscriber = client.duplicate();
  let isClusterNode = false;
  for (const each of [client, subscriber]) each.on('error', onLost);
  const connect = async (): Promise<void> => {
    await Promise.all([client.connect(), subscriber.connect()]);
    isClusterNode = /^cluster_enabled:1/m.test(await inspect(client));
  };
  return {
    connecting: connect(),
    connection: {
      get isClusterNode() {
        return isClusterNode;
      },
      send: (_, command) => client.sendCommand(command),
      publish: (channel, message) => client.publish(channel, message),
      subscribe: (channel, listener) => subscriber.subscribe(channel, listener),
      ping: async () => (await Promise.all([pong(client), subscriber.ping()]))[0],
      keyOnEach: (prefix) => [prefix],
      destroy: () => [client, subscriber].forEach((each) => each.destroy()),
    },
  };
}

function toCluster(
  { createCluster }: typeof Client,
  nodes: readonly [ServerOptions, ...ServerOptions[]],
  onLost: (error: unknown) => void,
): Opening {
  const [{ username, password, database, socket: first }] = nodes;
  if (database !== undefined) {
    throw new UnsuitableRedis('a cluster has no databases: leave the number at the end of the URL out.');
  }
  const cluster = createCluster({
    rootNodes: nodes.map((node) => ({ socket: { ...socket, ...node.socket } })),
    defaults: {
      socket: first.tls === true ? { ...socket, tls: true } : socket,
      disableOfflineQueue: true,
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
    },
  });
  // `node-error` is the event for connections to nodes, with that of the subscriber.
  cluster.on('error', onLost).on('node-error', onLost);
  // Masters when this connection was opened. Resharding moves keys between them without loss; a replica that takes over may lack
  // writes. The client follows both silently, and replaces its list of masters when the topology changes.
  let masters: readonly { readonly id: string }[] = [];
  const trusted = new Set<string>();
  const hasNewMaster = (): boolean => {
    if (masters === cluster.masters) return false;
    if (cluster.masters.some(({ id }) => !trusted.has(id))) return true;
    masters = cluster.masters;
    return false;
  };
  const connect = async (): Promise<void> => {
    await cluster.connect();
    for (const node of cluster.masters) await inspect(await cluster.nodeClient(node));
    masters = cluster.masters;
    for (const { id } of masters) trusted.add(id);
  };
  return {
    connecting: connect(),
    connection: {
      send: async (key, command) => {
        const reply = await cluster.sendCommand(key, false, command);
        if (hasNewMaster()) throw new Error('a node took the place of another');
        return reply;
      },
      publish: (channel, message) => cluster.publish(channel, message),
      subscribe: (channel, listener) => cluster.subscribe(channel, listener),
      ping: async () => {
        const pongs = cluster.masters.map(async (node) => pong(await cluster.nodeClient(node)));
        const [all] = await Promise.all([Promise.all(pongs), cluster.pubSubNode?.client.ping()]);
        const histories = all.map(({ history }) => history).toSorted();
        return { history: histories.join(' '), time: Math.max(...all.map(({ time }) => time)) };
      },
      keyOnEach: (prefix) => {
        const keys = new Map<unknown, string>();
        for (let n = 0; keys.size < cluster.masters.length && n < MAX_TRIES; n++) {
          const key = `${prefix}:${n}`;
          const owner = cluster.slots[slotOf(key)]?.master;
          if (owner !== undefined && !keys.has(owner)) keys.set(owner, key);
        }
        return [...keys.values()];
      },
      destroy: () => cluster.destroy(),
    },
  };
}

interface Node {
  sendCommand(command: string[]): Promise<unknown>;
}

/** Oldest major version of Redis with the ACL and replies that Daemun uses. */
const OLDEST_VERSION = 6;

/** Returns the reply of `INFO`. @throws {UnsuitableRedis} for an older version. */
async function inspect(node: Node): Promise<string> {
  const info = String(await node.sendCommand(['INFO']));
  const [, version = OLDEST_VERSION] = /^redis_version:(\d+)/m.exec(info) ?? [];
  if (Number(version) < OLDEST_VERSION) {
    throw new UnsuitableRedis(`the server is Redis ${version}; Daemun needs ${OLDEST_VERSION} or newer.`);
  }
  return info;
}

/** Needs the right to `INFO`, because no other command returns the replication id. */
async function pong(node: Node): Promise<Pong> {
  const [info, time] = await Promise.all([
    node.sendCommand(['INFO', 'replication']),
    node.sendCommand(['TIME']),
  ]);
  const [seconds, micros] = time as [string, string];
  const history = /^master_replid:(\w+)/m.exec(String(info))?.[1] ?? '';
  return { history, time: Number(seconds) * 1000 + Math.floor(Number(micros) / 1000) };
}

/** Computes the slot of a key without a hash tag: CRC-16/XMODEM, by the cluster specification. */
export function slotOf(key: string): number {
  let crc = 0;
  for (const byte of Buffer.from(key)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return crc % SLOTS;
}
