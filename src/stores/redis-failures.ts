import { types } from 'node:util';
import { networkFailureOf } from './network-failures.js';
import type { StoreFailure } from './store-failure.js';

/** Reference to the ACL rule of a Redis user. */
const RIGHTS = 'docs/compatibility.md has the line for ACL SETUSER';

/** Transient failure: the process reconnects, and stays ready, because PostgreSQL serves all requests meanwhile. */
const transient = (reason: string, remedy: string): StoreFailure => ({
  reason,
  client: 'unavailable',
  connection: 'drop',
  losesReadiness: false,
  transient: true,
  remedy: `REDIS_URL: ${remedy}`,
});
/** Permanent failure, which only an operator can end. */
const permanent = (reason: string, remedy: string): StoreFailure => ({
  ...transient(reason, remedy),
  transient: false,
});

/** Failures of Redis by error reply. The first match counts. Source: `src/server.c` and `src/acl.c` of Redis 7. */
export const REDIS_FAILURES: readonly (readonly [RegExp, StoreFailure])[] = [
  [
    /^WRONGPASS|^ERR invalid (username|password)/,
    permanent('login_refused', 'the user or the password is wrong.'),
  ],
  [/^NOAUTH/, permanent('login_refused', 'the server wants a password: redis://user:password@host.')],
  [
    /^ERR (Client sent AUTH|AUTH .*without any password)/,
    permanent('login_refused', 'the server has no password for this user: leave it out, or set one there.'),
  ],
  [
    /^NOPERM|ACL failure in script|can't run this command/,
    permanent('permission_denied', `the user lacks a right; ${RIGHTS}.`),
  ],
  [
    /^DENIED/,
    permanent('protected_mode', 'the server runs in protected mode: give it a password, or a bind address.'),
  ],
  [
    /^ERR (unknown command|This instance has)|^ERR .*(EVAL|script).*disabled/i,
    permanent(
      'command_missing',
      'the server lacks a command that Daemun needs (EVAL, EVALSHA, PUBLISH, SUBSCRIBE, INFO, TIME).',
    ),
  ],
  [
    /^ERR (DB index|SELECT is not allowed|invalid DB)/,
    permanent(
      'database_missing',
      'the number at the end of the URL is no database of the server; a cluster has only 0.',
    ),
  ],
  [
    /^ERR max number of clients/,
    transient('too_many_connections', 'the server has no connection left (maxclients).'),
  ],
  [
    /^OOM/,
    transient(
      'out_of_memory',
      'the memory of the server is full: raise maxmemory, or let it evict (allkeys-lru).',
    ),
  ],
  [/^READONLY/, transient('read_only', 'the address leads to a replica: point it to the primary.')],
  [
    /^MASTERDOWN|^NOREPLICAS/,
    transient('replication_broken', 'the server and its replicas lost each other.'),
  ],
  [
    /^MISCONF/,
    transient('disk_error', 'the server cannot save to its disk, and takes no writes: see its log.'),
  ],
  [/^LOADING/, transient('server_starting', 'the server is still loading its data.')],
  [/^BUSY/, transient('server_busy', 'a script of another client blocks the server.')],
  [
    /^CLUSTERDOWN|^TRYAGAIN|^MOVED|^ASK|^CROSSSLOT/,
    transient('cluster_changing', 'the cluster is changing or incomplete.'),
  ],
  [
    /^no answer within/,
    transient('no_answer', 'the server does not answer in time, or does not speak TLS (rediss://).'),
  ],
  [
    /^a node took the place|^Redis goes on from another state/,
    transient('failed_over', 'another server took over.'),
  ],
  [/./, transient('connection_lost', 'the connection to the server was lost.')],
];

/** Error of a server whose configuration makes it unusable. */
export class UnsuitableRedis extends Error {}

/** Returns the row for an error of Redis, its client library or the network. */
export function redisFailureOf(error: unknown): StoreFailure {
  if (error instanceof UnsuitableRedis) return permanent('server_unsuitable', error.message);
  const network = networkFailureOf(error, 'REDIS_URL');
  if (network !== undefined) return { ...network, losesReadiness: false };
  const message = types.isNativeError(error) || error instanceof Error ? error.message : String(error);
  const [, failure] = REDIS_FAILURES.find(([pattern]) => pattern.test(message)) ?? [];
  return failure ?? transient('connection_lost', 'the connection to the server was lost.');
}
