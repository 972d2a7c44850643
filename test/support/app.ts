import 'reflect-metadata';
import { rmSync } from 'node:fs';
import type { Type } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDaemun, type Daemun } from '../../src/app.js';
import { TICK_MS, MAX_REQUEST_AGE_MS } from '../../src/auth/sessions/pause-detector.js';
import { PROVIDERS } from '../../src/auth/social/providers.js';
import { loadConfig, type Config } from '../../src/config/config.js';
import { createLogger } from '../../src/observability/logging.js';
import { makeDataDir, makeMigratedDataDir } from './data-dir.js';
import { databaseBehindPooler, isBehindPooler } from './pooled-suites.js';
import { freePorts } from './ports.js';

/** A line of the log, parsed. */
export type LogLine = Readonly<Record<string, unknown>>;

/** Daemun on a port of its own, with an empty embedded database and its log in an array. */
export interface TestApp {
  readonly url: string;
  readonly config: Config;
  readonly daemun: Daemun;
  readonly database: DataSource;
  readonly log: LogLine[];
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

/** Starts {@link TestApp}; `env` is added to, or overrides, an ordinary development environment; `more` modules join the application. */
export async function startApp(
  env: Record<string, string> = {},
  more: readonly Type[] = [],
): Promise<TestApp> {
  const began = performance.now();
  const dataDir = isBehindPooler ? makeDataDir() : await makeMigratedDataDir();
  const [port, sandboxPort, smtpPort] = await freePorts(3);
  const config = loadConfig(PROVIDERS, {
    PORT: String(port),
    SANDBOX_PORT: String(sandboxPort),
    SANDBOX_SMTP_PORT: String(smtpPort),
    DATA_DIR: dataDir,
    // Suites that are not about limits do not meet them.
    RATE_LIMIT_FACTOR: '1000',
    ...(await databaseBehindPooler(env['DATA_DIR'] ?? dataDir)),
    ...env,
  });
  const log: LogLine[] = [];
  const logger = createLogger(config, { write: (line) => void log.push(JSON.parse(line) as LogLine) });
  const daemun = await createDaemun(config, logger, more);
  await daemun.app.listen(config.port, config.host);
  // A start on a busy machine keeps this process from doing anything else, and other applications in it notice.
  if (performance.now() - began > MAX_REQUEST_AGE_MS) await sleep(3 * TICK_MS);
  return {
    url: `http://localhost:${config.port}`,
    config,
    daemun,
    database: daemun.app.get(DataSource),
    log,
    stop: async () => {
      await daemun.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
