import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import type { PostgresDataSourceOptions } from 'typeorm/driver/postgres/PostgresDataSourceOptions.js';
import { postgresFailureOf } from '../stores/postgres-failures.js';
import { migrate } from './migrate.js';
import { poolOf } from './postgres-pool.js';
import { RetryingDataSource } from './retrying-data-source.js';

/** Time limit for a database that is still starting. */
const START_MS = 20_000;
const MAX_BACKOFF_MS = 2_000;

/** Connects with retries, runs the migrations, and returns the DataSource. */
export async function openDatabase(options: PostgresDataSourceOptions): Promise<DataSource> {
  const logger = new Logger(openDatabase.name);
  const deadline = performance.now() + START_MS;
  for (let attempt = 1; ; attempt++) {
    try {
      await migrate(options);
      const dataSource = await new RetryingDataSource(options).initialize();
      logPooler(dataSource, logger);
      return dataSource;
    } catch (error) {
      const failure = postgresFailureOf(error);
      if (failure?.transient !== true || performance.now() > deadline) throw error;
      logger.warn({ reason: failure.reason, attempt }, 'the database cannot be used yet');
      await sleep(Math.min(100 * 2 ** attempt, MAX_BACKOFF_MS));
    }
  }
}

function logPooler(dataSource: DataSource, logger: Logger): void {
  const { session } = poolOf(dataSource);
  if (session === undefined || session.direct) return;
  logger.log('DATABASE_URL leads to a pooler: no prepared statements, no session settings');
  if (session.statementTimeout === '0')
    logger.warn(
      "no statement has a time limit behind the pooler: ALTER ROLE … SET statement_timeout TO '3s'",
    );
}
