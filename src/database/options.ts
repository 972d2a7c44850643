import type { PostgresDataSourceOptions } from 'typeorm/driver/postgres/PostgresDataSourceOptions.js';
import { migrations } from './migrations/index.js';
import { MIGRATIONS_SCHEMA } from './schema.js';
import { connectionTo, type DatabaseTarget } from './target.js';

/** Returns TypeORM's options. The application adds the entities of its modules (`autoLoadEntities`); a command passes its own. */
export function databaseOptions(
  target: DatabaseTarget,
  entities: readonly (new () => object)[] = [],
): PostgresDataSourceOptions {
  return {
    type: 'postgres',
    ...connectionTo(target),
    applicationName: 'daemun',
    entities: [...entities],
    migrations,
    schema: MIGRATIONS_SCHEMA,
    migrationsTransactionMode: 'each',
    synchronize: false,
  };
}
