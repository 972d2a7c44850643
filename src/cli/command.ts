import { EmbeddedDatabaseInUse } from '../database/embedded-postgres.js';
import { explain } from '../stores/explain.js';

/** Runs a command of an operator's beside the server, and says what to mend when it fails. */
export function runCommand(main: (args: readonly string[]) => Promise<void>): void {
  main(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`${advise(error)}\n`);
    process.exitCode = 1;
  });
}

/** A server that runs on the embedded database has it for itself. */
function advise(error: unknown): string {
  if (!(error instanceof EmbeddedDatabaseInUse)) return explain(error);
  return `Daemun is running on the embedded database (${error.owner}). Stop it, run this again, then start it.`;
}
