import type { PostgresDataSourceOptions } from 'typeorm/driver/postgres/PostgresDataSourceOptions.js';
import type { Config } from '../config.js';
import type { EmbeddedPostgres } from './embedded-postgres.js';

/** Where PostgreSQL is: at a server's URL, or inside this process. */
export type DatabaseTarget = { readonly url: string } | { readonly embedded: EmbeddedPostgres };

/** Opens the embedded database unless `DATABASE_URL` names a server. */
export async function openTarget(config: Config): Promise<DatabaseTarget> {
  if (config.databaseUrl !== undefined) return { url: config.databaseUrl.reveal() };
  // Only here, since a process with a server need not carry another database along.
  const { EmbeddedPostgres } = await import('./embedded-postgres.js');
  return { embedded: await EmbeddedPostgres.open(config.dataDir) };
}

/** The part of TypeORM's options that says where and how to connect. */
export function connectionTo(target: DatabaseTarget): Partial<PostgresDataSourceOptions> {
  // Where many rows are expected, PostgreSQL would compile a statement for a third of a second, and then run it for a few
  // milliseconds.
  const compiling = 'url' in target ? { options: '-c jit=off' } : {};
  const where =
    'url' in target
      ? { url: target.url }
      : {
          host: target.embedded.socketDir,
          port: target.embedded.port,
          username: 'postgres',
          database: 'postgres',
        };
  return {
    ...where,
    poolSize: 10,
    connectTimeoutMS: 3_000,
    // Whoever asked has given up after 8 s (refresh.md, F); a statement that runs longer helps nobody.
    extra: {
      ...compiling,
      statement_timeout: 5_000,
      query_timeout: 6_000,
      idle_in_transaction_session_timeout: 10_000,
      keepAlive: true,
    },
  };
}
