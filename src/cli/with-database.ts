import type { DataSource } from 'typeorm';
import type { Config } from '../config/config.js';
import { openDatabase } from '../database/open-database.js';
import { databaseOptions } from '../database/options.js';
import { openTarget } from '../database/target.js';

/** Opens the database of the settings, runs `work`, and closes the database. */
export async function withDatabase<T>(
  config: Config,
  entities: readonly (new () => object)[],
  work: (database: DataSource) => Promise<T>,
): Promise<T> {
  const target = await openTarget(config);
  try {
    const database = await openDatabase(databaseOptions(target, entities));
    try {
      return await work(database);
    } finally {
      await database.destroy();
    }
  } finally {
    if ('embedded' in target) await target.embedded.close();
  }
}
