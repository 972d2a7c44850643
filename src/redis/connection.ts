import { createClient, createCluster } from 'redis';
import { UnsuitableRedis } from '../stores/redis-failures.js';
import type { Secret } from '../config/secret.js';

/** Answer to a heartbeat: the replication id, and the server's clock (ms since 1970). */
export interface Pong {
  readonly history: string;
  readonly time: number;
}

/** Connection to one server or to a cluster. */
export interface Connection {
  send(key: string, command: string[]): Promise<unknown>;
  publish(channel: string, message: string): Promise<unknown>;
  subscribe(channel: string, listener: (message: string) => void): Promise<void>;
  /**
   * Asks every server that holds keys whether it is there, and the one that tells messages. Gives the names of the
   * histories of writes that they go on with (a server that restarts, or takes another's place, begins a new one), and what
   * time it was (ms) at the one whose clock is ahead.
   */
  ping(): Promise<Pong>;
  /** Some key on each server that holds any. */
  aKeyOnEach(prefix: string): string[];
  destroy(): void;
}

/** An answer that takes longer (ms) than this does not come: whoever asked has a better use for the time. */
const PATIENCE = 1_000;
/**
 * A socket on which nothing happens for so long (ms) is closed. Those in use are pinged once a second; this is for those
 * that a client of a cluster was still making when it was destroyed, and then forgets.
 */
const SILENCE = 4_000;

/** Finds keys for all nodes that have more than a few of the slots. */
const MOST_TRIES = 20_000;
const SLOTS = 16_384;

/** Waits no longer than anybody should. */
export async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE} ms`)), PATIENCE);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * One URL is a server, or any node of a cluster (managed ones give a single endpoint); several are nodes of a cluster. The
 * client's own reconnecting and queueing stay off: `onLost` hears of whatever breaks.
 */
export async function openConnection(
  urls: readonly Secret[],
  onLost: (error: unknown) => void,
): Promise<Connection> {
  const [first, ...others] = urls.map((url) => optionsOf(url.reveal()));
  if (first === undefined) throw new Error('no REDIS_URL');
  if (others.length > 0) return opened(toCluster([first, ...others], onLost));
  const server = await opened(toServer(first, onLost));
  if (!server.isClusterNode) return server;
  server.destroy();
  return opened(toCluster([first], onLost));
}

async function opened<T extends Connection>({ connecting, connection }: Opening<T>): Promise<T> {
  try {
    await inTime(connecting);
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

/** Reads `redis[s]://user:password@host:port/database`; IPv6 addresses are in brackets there, and nowhere else. */
export function optionsOf(url: string): ServerOptions {
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

const socket = { connectTimeout: PATIENCE, socketTimeout: SILENCE, reconnectStrategy: false } as const;

function toServer(
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
      aKeyOnEach: (prefix) => [prefix],
      destroy: () => [client, subscriber].forEach((each) => each.destroy()),
    },
  };
}

function toCluster(
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
  // The second is how it tells of a connection to a node, among them the one that subscribes.
  cluster.on('error', onLost).on('node-error', onLost);
  // Those that held the keys when this connection was made. What moves between them moves as a whole; a node that takes
  // another's place may know less. The client follows silently, and makes a new list whenever it learns who holds what.
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
      aKeyOnEach: (prefix) => {
        const keys = new Map<unknown, string>();
        for (let n = 0; keys.size < cluster.masters.length && n < MOST_TRIES; n++) {
          const key = `${prefix}:${n}`;
          const owner = cluster.slots[slotOf(key)]?.master;
          if (owner !== undefined && !keys.has(owner)) keys.set(owner, key);
        }
        return [...keys.values()];
      },
      // Whether or not it ever opened, and what it has made until now.
      destroy: () => cluster.destroy(),
    },
  };
}

interface Node {
  sendCommand(command: string[]): Promise<unknown>;
}

/** The oldest Redis whose ACL and replies are those that Daemun uses. */
const OLDEST_VERSION = 6;

/** Reads `INFO`. @throws {UnsuitableRedis} where it is too old. */
async function inspect(node: Node): Promise<string> {
  const info = String(await node.sendCommand(['INFO']));
  const [, version = OLDEST_VERSION] = /^redis_version:(\d+)/m.exec(info) ?? [];
  if (Number(version) < OLDEST_VERSION) {
    throw new UnsuitableRedis(`the server is Redis ${version}; Daemun needs ${OLDEST_VERSION} or newer.`);
  }
  return info;
}

/** Needs the right to `INFO`: no other command tells one history of writes from another. */
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
