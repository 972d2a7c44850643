/** Something that whoever runs this can mend, and that the message explains in full: it is shown without a stack. */
export class OperatorError extends Error {}

/** What PostgreSQL and the network say when `DATABASE_URL` leads nowhere, or is not let in. */
const NO_DATABASE = /^(ECONN|ENOTFOUND|ETIMEDOUT|EAI_AGAIN|EHOSTUNREACH|28|3D|57P)/;

/** Why a process could not start, for its operator; never the value of a setting. */
export function explain(error: unknown): string {
  if (error instanceof OperatorError) return error.message;
  if (!(error instanceof Error)) return String(error);
  const { code, port } = error as { code?: unknown; port?: unknown };
  if (code === 'EADDRINUSE') {
    return `Port ${String(port)} is taken by another program: stop that, or set PORT (METRICS_PORT; SANDBOX_PORT and SANDBOX_SMTP_PORT for the sandbox).`;
  }
  if (typeof code === 'string' && NO_DATABASE.test(code)) {
    return `The database cannot be used (${code}): check DATABASE_URL, and that the server runs.`;
  }
  return error.stack ?? error.message;
}
