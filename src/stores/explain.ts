import { types } from 'node:util';
import { OperatorError } from '../config/operator-error.js';
import { ConnectFailed, postgresFailureOf } from './postgres-failures.js';

/** Returns the message for an operator whose process cannot start: setting, cause and remedy, never the value of a setting. */
export function explain(error: unknown): string {
  if (error instanceof OperatorError) return error.message;
  if (!(types.isNativeError(error) || error instanceof Error)) return String(error);
  const { code, port, driverError } = error as {
    code?: unknown;
    port?: unknown;
    driverError?: { code?: unknown };
  };
  if (code === 'EADDRINUSE') {
    return `Port ${String(port)} is used by another program: stop it, or set PORT (METRICS_PORT; SANDBOX_PORT and SANDBOX_SMTP_PORT for the sandbox).`;
  }
  if ((error as NodeJS.ErrnoException).syscall === 'listen') {
    return `Cannot listen on port ${String(port)} (${String(code)}): check HOST, PORT and METRICS_PORT.`;
  }
  const failure = postgresFailureOf(error);
  if (failure === undefined) return error.stack ?? error.message;
  // The message of the library has the cause.
  const cause = error instanceof ConnectFailed ? error.message : undefined;
  const details = [failure.reason, driverError?.code ?? code, cause].filter(Boolean).join(', ');
  return `The database cannot be used (${details}). ${failure.remedy}`;
}
