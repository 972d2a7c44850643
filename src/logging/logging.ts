import { types } from 'node:util';
import type { LoggerService } from '@nestjs/common';
import { pino, type DestinationStream, type Logger } from 'pino';
import type { Config } from '../config/config.js';

/** Members that are never written, at any depth of a line. A safeguard: log calls leave them out anyway. */
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

/** Redacts a line. Pino's own redaction would cost each request a tenth of its time, in the logger that Fastify creates for it. */
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

/** Creates the logger of the process: JSON lines, or readable text on a terminal outside production. */
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
    // pino-pretty formats levels itself.
    formatters: { log: options.formatters.log },
    transport: { target: 'pino-pretty', options: { translateTime: 'HH:MM:ss', ignore: 'reqId' } },
  });
}

/** Serializes name, message, code and stack of an error and its causes. Other properties may contain queries and bodies. */
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

/** Contexts of Nest that report each module and route at the start: logged at the level `debug`. */
const VERBOSE_CONTEXTS = new Set([
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

/** Context of Nest for an error that ends the start. `main.ts` and the commands report it in their own words. */
const START_ERROR_CONTEXT = 'ExceptionHandler';

/**
 * Logger of Nest on top of pino. Classes of Daemun call Nest's `Logger` by pino's convention, as with nestjs-pino: members first,
 * then a constant text, as in `logger.warn({ err: error, accountId }, 'the profile could not be created')`, or a text alone.
 * Nest itself passes a text or an error first, and its context last.
 */
export function nestLogger(logger: Logger): LoggerService {
  const write =
    (level: 'info' | 'warn' | 'error' | 'debug' | 'trace' | 'fatal') =>
    (message: unknown, ...rest: unknown[]) => {
      const last = rest.at(-1);
      const context = typeof last === 'string' ? last : undefined;
      if (isRecord(message)) return logger[level]({ context, ...message }, String(rest[0]));
      const err = message instanceof Error ? message : rest.find((item) => item instanceof Error);
      logger[level]({ context, err }, message instanceof Error ? message.message : String(message));
    };
  const [info, debug, error] = [write('info'), write('debug'), write('error')];
  return {
    log: (message, ...rest) => (VERBOSE_CONTEXTS.has(String(rest.at(-1))) ? debug : info)(message, ...rest),
    warn: write('warn'),
    error: (message, ...rest) => (rest.at(-1) === START_ERROR_CONTEXT ? debug : error)(message, ...rest),
    debug,
    verbose: write('trace'),
    fatal: write('fatal'),
  };
}
