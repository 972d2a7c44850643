import { CreateAuth1764800000000 } from './1764800000000-create-auth.js';
import { CreateProfile1764800000001 } from './1764800000001-create-profile.js';
import { CreateBoard1764800000002 } from './1764800000002-create-board.js';
import { CreateReadinessProbes1764800000003 } from './1764800000003-create-readiness-probes.js';

/** All migrations, oldest first. A migration that is missing in this list does not run. */
export const migrations = [
  CreateAuth1764800000000,
  CreateProfile1764800000001,
  CreateBoard1764800000002,
  CreateReadinessProbes1764800000003,
];
