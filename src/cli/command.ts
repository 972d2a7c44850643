import { EmbeddedDatabaseInUse } from '../database/embedded-postgres.js';
import { explain } from '../stores/explain.js';

/** Runs an operator's command. A failure is written to stderr with its remedy, and gives exit code 1. */
export function runCommand(main: (args: readonly string[]) => Promise<void>): void {
  main(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exitCode = 1;
  });
}

/** Returns the message for an error. The embedded database admits one process: the remedy is to stop the server. */
function messageOf(error: unknown): string {
  if (!(error instanceof EmbeddedDatabaseInUse)) return explain(error);
  return `Daemun is running on the embedded database (${error.owner}). Stop it, run this again, then start it.`;
}
