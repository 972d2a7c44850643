import 'reflect-metadata';
import { KeyRing, signingOf } from '../auth/keys/key-ring.js';
import { SigningKey } from '../auth/keys/signing-key.entity.js';
import { PROVIDERS } from '../auth/social/providers.js';
import { runCommand } from './command.js';
import { withDatabase } from './with-database.js';
import { loadConfig } from '../config/config.js';
import { OperatorError } from '../config/operator-error.js';
import { DerivedKeys } from '../crypto/derived-keys.js';

const USAGE = `Shows and changes the signing keys of tokens. Running servers adopt a change within a minute.

  npm run keys                   lists them
  npm run keys -- rotate         creates the next key, which signs in ten minutes
  npm run keys -- kill <kid>     removes a key at once: tokens that it signed are refused`;

/** `npm run keys`: runs an operator's command on the database of the settings. */
async function main([command, kid]: readonly string[]): Promise<void> {
  const config = loadConfig(PROVIDERS);
  await withDatabase(config, [SigningKey], async (database) => {
    const ring = new KeyRing(database, new DerivedKeys(config));
    if (command === 'rotate') await ring.rotate();
    else if (command === 'kill' && kid !== undefined) {
      if (!(await ring.kill(kid))) throw new OperatorError(`There is no key ${kid}.`);
    } else if (command !== undefined) throw new OperatorError(USAGE);
    process.stdout.write(await listOf(ring));
  });
}

async function listOf(ring: KeyRing): Promise<string> {
  const keys = await ring.list();
  const signing = signingOf(keys);
  const now = new Date();
  const lines = keys.map((key) => {
    const state = key === signing ? 'signs' : key.useFrom > now ? 'next' : 'verifies';
    return `  ${key.kid}  ${state.padEnd(8)}  from ${key.useFrom.toISOString()}\n`;
  });
  return lines.join('') || '  There is no key yet: the first start creates one.\n';
}

runCommand(main);
