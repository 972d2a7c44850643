import 'reflect-metadata';
import { runAdminCommand, isAdminCommand, type AdminCommand } from '../auth/accounts/admin-commands.js';
import { PROVIDERS } from '../auth/social/providers.js';
import { runCommand } from './command.js';
import { loadConfig } from '../config/config.js';
import { OperatorError } from '../config/operator-error.js';
import { withDatabase } from './with-database.js';

const USAGE = `Changes an account.

  npm run admin -- <who>               gives it the role "admin", as does: grant <who>
  npm run admin -- revoke <who>        takes that role away
  npm run admin -- disable <who>       ends its sessions, and lets nobody in
  npm run admin -- enable <who>        lets its owner in again

<who> is a verified e-mail address, or the account's id, which GET /users/me shows. People who came through a provider
that does not answer for their address (Naver never does) are found by their id alone.`;

const DONE: Readonly<Record<AdminCommand, string>> = {
  grant: 'is an admin now',
  revoke: 'is no admin now',
  disable: 'is disabled now',
  enable: 'may come in again',
};

/** `npm run admin -- [order] <who>`, for the operator, on the database that the settings name. */
async function main(args: readonly string[]): Promise<void> {
  const [order, who] = args.length === 1 && !isAdminCommand(args[0]) ? ['grant', args[0]] : args;
  if (!isAdminCommand(order) || who === undefined || args.length > 2) throw new OperatorError(USAGE);
  await withDatabase(loadConfig(PROVIDERS), [], async (database) => {
    if (!(await runAdminCommand(order, who, database)))
      throw new OperatorError(`There is no account ${who}.\n\n${USAGE}`);
  });
  process.stdout.write(`${who} ${DONE[order]}.\n`);
}

runCommand(main);
