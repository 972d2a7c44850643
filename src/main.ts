import 'reflect-metadata';
import { createDaemun, type Daemun } from './app.js';
import { PROVIDERS } from './auth/social/providers.js';
import { explain } from './stores/explain.js';
import { loadConfig, type Config } from './config/config.js';
import { storesWithoutPassword } from './config/transport-security.js';
import { createLogger } from './logging/logging.js';
import { OperatorError } from './config/operator-error.js';
import { isGuessable } from './config/secret-strength.js';

/** Time limit of the shutdown: longer than any request may take. */
const DRAIN_MS = 20_000;

async function main(): Promise<void> {
  const config = loadConfig(PROVIDERS);
  const logger = createLogger(config);
  const sandbox = await startSandbox(config);
  const daemun = await createDaemun(config, logger);
  // Separate from `listen`, whose errors are about HOST and PORT.
  await daemun.app.init();
  await listen(daemun.app, config);
  if (config.production) logger.info({ port: config.port, host: config.host }, 'listening');
  else if (config.logLevel !== 'silent') process.stdout.write(banner(config));
  warnings(config).forEach((warning) => logger.warn(warning));

  const stop = (signal: NodeJS.Signals): void => {
    logger.info({ signal }, 'stopping: draining requests under way');
    setTimeout(() => {
      logger.error('stopped before all requests were answered');
      process.exit(1);
    }, DRAIN_MS).unref();
    daemun
      .close()
      .then(() => sandbox?.close())
      .then(
        () => process.exit(0),
        (error: unknown) => {
          logger.error({ err: error }, 'the shutdown failed');
          process.exit(1);
        },
      );
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
}

/** @throws {OperatorError} when `HOST` is no address of this machine. */
async function listen(app: Daemun['app'], { port, host }: Config): Promise<void> {
  try {
    await app.listen(port, host);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') throw error;
    throw new OperatorError(`Cannot listen on this address (${code}): check HOST and PORT.`, {
      cause: error,
    });
  }
}

/** Starts the sandbox: stand-ins for the providers and the mail server. Its code is not loaded in production. */
async function startSandbox({
  sandbox,
  production,
}: Config): Promise<{ close(): Promise<void> } | undefined> {
  if (sandbox === undefined || production) return undefined;
  const { startSandbox: start } = await import('../sandbox/sandbox.js');
  return start(sandbox);
}

/** Formats the addresses of the running servers for a terminal in development. */
function banner(config: Config): string {
  const sandboxUrl = config.sandbox && `http://localhost:${config.sandbox.port}`;
  const sandboxed = Object.keys(config.providers).filter(
    (id) => config.providers[id]?.sandboxUrl !== undefined,
  );
  const addresses = [
    ['Web page', `${config.webOrigins[0]}/`],
    ['Swagger UI', config.docs === 'public' ? `${config.publicUrl}/docs` : undefined],
    ['Sandbox', config.sandbox?.providers ? `${sandboxUrl}/   plays ${sandboxed.join(', ')}` : undefined],
    ['Mailbox', sandboxUrl && `${sandboxUrl}/mailbox`],
    ['Database', config.databaseUrl ? 'PostgreSQL' : `embedded, files in ${config.dataDir}`],
  ];
  const lines = addresses.flatMap(([name = '', address]) =>
    address ? [`    ${name.padEnd(12)} ${address}`] : [],
  );
  return `\n  대문 Daemun is open.\n\n${lines.join('\n')}\n\n`;
}

/** Returns warnings about settings that are valid, but rarely intended in production. */
function warnings(config: Config): string[] {
  if (!config.production) return [];
  return [
    ...(config.databaseUrl ? [] : ['DATABASE_URL is not set: the embedded database serves one process only']),
    ...(Object.values(config.providers).some((provider) => provider !== undefined)
      ? []
      : ['no provider has credentials: only e-mail login is possible']),
    ...storesWithoutPassword({
      DATABASE_URL: config.databaseUrl === undefined ? [] : [config.databaseUrl.reveal()],
      REDIS_URL: config.redisUrls.map((url) => url.reveal()),
    }).map((key) => `${key} has no password: every program that reaches the server may be able to use it`),
    ...(config.authSecrets.slice(1).some((secret) => isGuessable(secret.reveal()))
      ? ['an older AUTH_SECRET can be guessed: remove it as soon as its sessions may end']
      : []),
    ...(config.metricsPort === undefined ? ['METRICS_PORT is not set: /metrics is not served'] : []),
  ];
}

main().catch((error: unknown) => {
  process.stderr.write(`Daemun could not start. ${explain(error)}\n`);
  process.exit(1);
});
