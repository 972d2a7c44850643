import { types } from 'node:util';
import type { LoggerService } from '@nestjs/common';
import { pino, type DestinationStream, type Logger } from 'pino';
import type { Config } from '../config/config.js';

/** Members that must never be written, wherever they turn up. Most never reach a log call at all; this is the net below. */
const SECRET_MEMBERS = new Set([
  'password',
  'currentPassword',
  'newPassword',
  'token',
  'accessToken',
  'access_token',
  'refreshToken',
  'refresh_token',
  'id_token',
  'code_verifier',
  'client_secret',
  'authorization',
  'cookie',
  'set-cookie',
]);

/** Pino's own redaction would also run for the logger that Fastify makes for each request, at a tenth of its time. */
function redact(value: object, depth = 3): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).map(([name, member]: [string, unknown]) => {
      if (SECRET_MEMBERS.has(name)) return [name, '[secret]'];
      const nested =
        depth > 0 && typeof member === 'object' && member !== null && member.constructor === Object;
      return [name, nested ? redact(member, depth - 1) : member];
    }),
  );
}

/** The process's log: JSON lines, or readable ones on a terminal outside production. */
export function createLogger(config: Config, destination?: DestinationStream): Logger {
  const pretty = destination === undefined && !config.production && process.stdout.isTTY;
  const options = {
    level: config.logLevel,
    base: undefined,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }), log: (line: object) => redact(line) },
    serializers: { err: describeError },
  };
  if (destination !== undefined) return pino(options, destination);
  if (!pretty) return pino(options);
  return pino({
    ...options,
    // A transport formats levels itself.
    formatters: { log: options.formatters.log },
    transport: { target: 'pino-pretty', options: { translateTime: 'HH:MM:ss', ignore: 'reqId' } },
  });
}

/** Name, message, code and stack, down the chain of causes; never the properties that libraries hang on errors, which carry queries and bodies. */
function describeError(error: unknown): unknown {
  if (!(types.isNativeError(error) || error instanceof Error))
    return error === undefined ? undefined : { message: typeof error };
  const { code } = error as { code?: unknown };
  return {
    name: error.name,
    message: error.message,
    code: typeof code === 'string' ? code : undefined,
    stack: error.stack,
    cause: error.cause === undefined ? undefined : describeError(error.cause),
  };
}

/** Nest tells of every module it starts and every route it maps; that is worth reading only when debugging. */
const CHATTER = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
]);

function isRecord(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && !types.isNativeError(value) && !(value instanceof Error)
  );
}

/** Reports an error that ends a start; `main.ts` and the commands report it themselves, for operators. */
const START_ERRORS = 'ExceptionHandler';

/** Lets Nest speak through the same log. */
export function nestLogger(logger: Logger): LoggerService {
  const write =
    (level: 'info' | 'warn' | 'error' | 'debug' | 'trace' | 'fatal') =>
    (message: unknown, ...rest: unknown[]) => {
      const last = rest.at(-1);
      const context = typeof last === 'string' ? last : undefined;
      // Ours have what goes with the message before it, as pino does.
      if (isRecord(message)) return logger[level]({ context, ...message }, String(rest[0]));
      const err = message instanceof Error ? message : rest.find((item) => item instanceof Error);
      logger[level]({ context, err }, message instanceof Error ? message.message : String(message));
    };
  const [info, debug, error] = [write('info'), write('debug'), write('error')];
  return {
    log: (message, ...rest) => (CHATTER.has(String(rest.at(-1))) ? debug : info)(message, ...rest),
    warn: write('warn'),
    error: (message, ...rest) => (rest.at(-1) === START_ERRORS ? debug : error)(message, ...rest),
    debug,
    verbose: write('trace'),
    fatal: write('fatal'),
  };
}
