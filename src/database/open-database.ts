import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import type { PostgresDataSourceOptions } from 'typeorm/driver/postgres/PostgresDataSourceOptions.js';
import { postgresFailureOf } from '../stores/postgres-failures.js';
import { migrate } from './migrate.js';
import { poolOf } from './postgres-pool.js';
import { RetryingDataSource } from './retrying-data-source.js';

/** Time (ms) in which a database that starts beside us has to come up. */
const START_MS = 20_000;
const LONGEST_BACKOFF_MS = 2_000;

/** Connects, waiting for a database that is about to come up, and runs the migrations. */
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
      await sleep(Math.min(100 * 2 ** attempt, LONGEST_BACKOFF_MS));
    }
  }
}

function logPooler(dataSource: DataSource, logger: Logger): void {
  const { session } = poolOf(dataSource);
  if (session === undefined || session.direct) return;
  logger.log('DATABASE_URL leads to a pooler: no prepared statements, and no settings of sessions');
  if (session.statementTimeout === '0')
    logger.warn(
      "no statement has a time limit behind the pooler: ALTER ROLE … SET statement_timeout TO '3s'",
    );
}
