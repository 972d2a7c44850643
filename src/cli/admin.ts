import 'reflect-metadata';
import { runAdminCommand, isAdminCommand, type AdminCommand } from '../auth/accounts/admin-commands.js';
import { PROVIDERS } from '../auth/social/providers.js';
import { runCommand } from './command.js';
import { loadConfig } from '../config/config.js';
import { OperatorError } from '../config/operator-error.js';
import { withDatabase } from './with-database.js';

const USAGE = `Changes an account.

  npm run admin -- <account>           gives it the role "admin", as does: grant <account>
  npm run admin -- revoke <account>    takes that role away
  npm run admin -- disable <account>   ends its sessions, and refuses logins
  npm run admin -- enable <account>    allows logins again

<account> is a verified e-mail address, or the account's id, which GET /users/me shows. Accounts of a provider that
does not verify addresses (Naver never does) are found by id only.`;

const DONE: Readonly<Record<AdminCommand, string>> = {
  grant: 'is an admin now',
  revoke: 'is no admin now',
  disable: 'is disabled now',
  enable: 'is enabled now',
};

/** `npm run admin -- [command] <account>`: runs an operator's command on the database of the settings. */
async function main(args: readonly string[]): Promise<void> {
  const [command, account] = args.length === 1 && !isAdminCommand(args[0]) ? ['grant', args[0]] : args;
  if (!isAdminCommand(command) || account === undefined || args.length > 2) throw new OperatorError(USAGE);
  await withDatabase(loadConfig(PROVIDERS), [], async (database) => {
    if (!(await runAdminCommand(command, account, database)))
      throw new OperatorError(`There is no account ${account}.\n\n${USAGE}`);
  });
  process.stdout.write(`${account} ${DONE[command]}.\n`);
}

runCommand(main);
