import 'reflect-metadata';
import { DataSource } from 'typeorm';
import { databaseOptions } from '../ormconfig.js';
import { grantAdmin } from './auth/grant-admin.js';
import { PROVIDERS } from './auth/social/providers.js';
import { loadConfig } from './config.js';
import { EmbeddedDatabaseInUse } from './database/embedded-postgres.js';
import { migrate } from './database/migrate.js';
import { openTarget } from './database/target.js';
import { explain, OperatorError } from './operator-error.js';

const USAGE = `Gives an account the role "admin".

  npm run admin -- you@example.com     by its verified e-mail address
  npm run admin -- <account id>        by its id, which GET /users/me shows

People who log in with Google, Kakao or Naver have no address here: use the id.`;

/** `npm run admin -- <who>`, for the operator, on the database that the settings name. */
async function main(who: string | undefined): Promise<void> {
  if (who === undefined) throw new OperatorError(USAGE);
  const target = await openTarget(loadConfig(PROVIDERS));
  try {
    await migrate(databaseOptions(target));
    const database = await new DataSource(databaseOptions(target)).initialize();
    try {
      if (!(await grantAdmin(database, who)))
        throw new OperatorError(`There is no account ${who}.\n\n${USAGE}`);
    } finally {
      await database.destroy();
    }
  } finally {
    if ('embedded' in target) await target.embedded.close();
  }
  process.stdout.write(`${who} is an admin now.\n`);
}

/** A server that runs on the embedded database has it for itself. */
function advise(error: unknown): string {
  if (!(error instanceof EmbeddedDatabaseInUse)) return explain(error);
  return `Daemun is running on the embedded database (${error.owner}). Stop it, run this again, then start it.`;
}

main(process.argv[2]).catch((error: unknown) => {
  process.stderr.write(`${advise(error)}\n`);
  process.exitCode = 1;
});
