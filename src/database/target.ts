import pg from 'pg';
import type { PostgresDataSourceOptions } from 'typeorm/driver/postgres/PostgresDataSourceOptions.js';
import type { Config } from '../config/config.js';
import type { EmbeddedPostgres } from './embedded-postgres.js';
import { PostgresPool } from './postgres-pool.js';

/** Address of PostgreSQL: the URL of a server with the size of the connection pool, or the embedded database. */
export type DatabaseTarget =
  { readonly url: string; readonly poolSize: number } | { readonly embedded: EmbeddedPostgres };

/** Connections to the embedded database. It has one backend, so that a larger pool is not faster. */
const EMBEDDED_POOL = 10;
const CONNECT_MS = 3_000;
/** Time limit for a server that does not respond; longer than `statement_timeout` (server-session.ts). */
const QUERY_MS = 3_500;

/** Opens the embedded database unless `DATABASE_URL` names a server. */
export async function openTarget(config: Config): Promise<DatabaseTarget> {
  if (config.databaseUrl !== undefined)
    return { url: config.databaseUrl.reveal(), poolSize: config.databasePool };
  // A dynamic import, because a process with a server does not need PGlite.
  const { EmbeddedPostgres } = await import('./embedded-postgres.js');
  return { embedded: await EmbeddedPostgres.open(config.dataDir) };
}

/** URL parameters that pg would send as startup parameters. server-session.ts sets them for each session. */
const TIME_LIMITS = [
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
  'query_timeout',
];

function withoutTimeLimits(url: string): string {
  const stripped = new URL(url);
  if (!TIME_LIMITS.some((name) => stripped.searchParams.has(name))) return url;
  for (const name of TIME_LIMITS) stripped.searchParams.delete(name);
  return stripped.href;
}

/** Returns the connection options of TypeORM. */
export function connectionTo(target: DatabaseTarget): Partial<PostgresDataSourceOptions> {
  const embedded = 'embedded' in target;
  const address = embedded
    ? {
        host: target.embedded.socketDir,
        port: target.embedded.port,
        username: 'postgres',
        database: 'postgres',
      }
    : { url: withoutTimeLimits(target.url) };
  return {
    ...address,
    driver: { Pool: PostgresPool, defaults: pg.defaults },
    poolSize: embedded ? EMBEDDED_POOL : target.poolSize,
    connectTimeoutMS: CONNECT_MS,
    // No startup parameters, because PgBouncer refuses them.
    extra: { embedded, query_timeout: QUERY_MS, keepAlive: true },
  };
}
