import 'reflect-metadata';
import { KeyRing, signingOf } from '../auth/keys/key-ring.js';
import { SigningKey } from '../auth/keys/signing-key.entity.js';
import { PROVIDERS } from '../auth/social/providers.js';
import { runCommand } from './command.js';
import { withDatabase } from './with-database.js';
import { loadConfig } from '../config/config.js';
import { OperatorError } from '../config/operator-error.js';
import { DerivedKeys } from '../crypto/derived-keys.js';

const USAGE = `Shows and changes the keys that sign tokens. Running servers follow within a minute.

  npm run keys                   lists them
  npm run keys -- rotate         makes the next one, which signs in ten minutes
  npm run keys -- kill <kid>     removes one at once: what it signed is refused`;

/** `npm run keys`, for the operator, on the database that the settings name. */
async function main([command, kid]: readonly string[]): Promise<void> {
  const config = loadConfig(PROVIDERS);
  await withDatabase(config, [SigningKey], async (database) => {
    const ring = new KeyRing(database, new DerivedKeys(config));
    if (command === 'rotate') await ring.rotate();
    else if (command === 'kill' && kid !== undefined) {
      if (!(await ring.kill(kid))) throw new OperatorError(`There is no key ${kid}.`);
    } else if (command !== undefined) throw new OperatorError(USAGE);
    process.stdout.write(await show(ring));
  });
}

async function show(ring: KeyRing): Promise<string> {
  const keys = await ring.list();
  const signing = signingOf(keys);
  const now = new Date();
  const lines = keys.map((key) => {
    const state = key === signing ? 'signs' : key.useFrom > now ? 'next' : 'verifies';
    return `  ${key.kid}  ${state.padEnd(8)}  from ${key.useFrom.toISOString()}\n`;
  });
  return lines.join('') || '  There is none yet: the first start makes one.\n';
}

runCommand(main);
