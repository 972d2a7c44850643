import 'reflect-metadata';
import { createDaemun } from './app.js';
import { ConfigError, loadConfig, type Config } from './config.js';
import { createLogger } from './logging.js';

/** Longer than any request may take (http.ts); what has not ended by then never will. */
const DRAIN_MS = 20_000;

async function main(): Promise<void> {
  const config = loadConfig();
  const logger = createLogger(config);
  const daemun = await createDaemun(config, logger);
  await daemun.app.listen(config.port, config.host);
  process.stdout.write(banner(config));

  const stop = (signal: NodeJS.Signals): void => {
    logger.info({ signal }, 'stopping: answering what is under way');
    setTimeout(() => process.exit(1), DRAIN_MS).unref();
    daemun.close().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error({ err: error }, 'could not stop cleanly');
        process.exit(1);
      },
    );
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
}

function banner(config: Config): string {
  return `\n  Daemun is open.\n\n    Web page     ${config.webOrigins[0]}/\n    Swagger UI   ${config.publicUrl}/docs\n\n`;
}

main().catch((error: unknown) => {
  const text =
    error instanceof ConfigError
      ? error.message
      : `Daemun could not start: ${String((error as Error)?.stack ?? error)}`;
  process.stderr.write(`${text}\n`);
  process.exit(1);
});
