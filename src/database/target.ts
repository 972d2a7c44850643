import pg from 'pg';
import type { PostgresDataSourceOptions } from 'typeorm/driver/postgres/PostgresDataSourceOptions.js';
import type { Config } from '../config/config.js';
import type { EmbeddedPostgres } from './embedded-postgres.js';
import { PostgresPool } from './postgres-pool.js';

/** Address of PostgreSQL: a server's URL with the size of its connection pool, or inside this process. */
export type DatabaseTarget =
  { readonly url: string; readonly poolSize: number } | { readonly embedded: EmbeddedPostgres };

/** Connections to the embedded database: it has one backend, so that more of them gain nothing. */
const EMBEDDED_POOL = 10;
const CONNECT_MS = 3_000;
/** Longer than the server's own limit (server-session.ts), for a server that does not answer at all. */
const QUERY_MS = 3_500;

/** Opens the embedded database unless `DATABASE_URL` names a server. */
export async function openTarget(config: Config): Promise<DatabaseTarget> {
  if (config.databaseUrl !== undefined)
    return { url: config.databaseUrl.reveal(), poolSize: config.databasePool };
  // Only here, since a process with a server need not carry another database along.
  const { EmbeddedPostgres } = await import('./embedded-postgres.js');
  return { embedded: await EmbeddedPostgres.open(config.dataDir) };
}

/** Parameters that pg would send as startup parameters. Daemun sets them for each session (server-session.ts). */
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

/** The part of TypeORM's options that says where and how to connect. */
export function connectionTo(target: DatabaseTarget): Partial<PostgresDataSourceOptions> {
  const embedded = 'embedded' in target;
  const where = embedded
    ? {
        host: target.embedded.socketDir,
        port: target.embedded.port,
        username: 'postgres',
        database: 'postgres',
      }
    : { url: withoutTimeLimits(target.url) };
  return {
    ...where,
    driver: { Pool: PostgresPool, defaults: pg.defaults },
    poolSize: embedded ? EMBEDDED_POOL : target.poolSize,
    connectTimeoutMS: CONNECT_MS,
    // Nothing that a pooler would have to pass on as a startup parameter: PgBouncer refuses these.
    extra: { embedded, query_timeout: QUERY_MS, keepAlive: true },
  };
}
