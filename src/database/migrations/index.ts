import { CreateAuth1764000000000 } from './1764000000000-create-auth.js';
import { CreateProfile1764000000001 } from './1764000000001-create-profile.js';
import { CreateBoard1764000000002 } from './1764000000002-create-board.js';
import { SessionsEverywhere1764100000000 } from './1764100000000-sessions-everywhere.js';
import { CreateAuditEvents1764100000001 } from './1764100000001-create-audit-events.js';
import { RotateSigningKeys1764200000000 } from './1764200000000-rotate-signing-keys.js';
import { AccountsForLife1764200000001 } from './1764200000001-accounts-for-life.js';
import { BoardsInFull1764300000000 } from './1764300000000-boards-in-full.js';
import { AccountsTellChanges1764400000001 } from './1764400000001-accounts-tell-changes.js';
import { KnownClients1764400000002 } from './1764400000002-known-clients.js';
import { ContestedRegistrations1764400000003 } from './1764400000003-contested-registrations.js';
import { ReadinessProbe1764500000000 } from './1764500000000-readiness-probe.js';
import { Outbox1764500000001 } from './1764500000001-outbox.js';
import { SearchInAnyLocale1764500000002 } from './1764500000002-search-in-any-locale.js';
import { AuditEventsInOrder1764500000003 } from './1764500000003-audit-events-in-order.js';
import { BoundedSearch1764620000000 } from './1764620000000-bounded-search.js';
import { SessionsLimited1764630000000 } from './1764630000000-sessions-limited.js';
import { RegistrationsOfVerifiedAddresses1764640000000 } from './1764640000000-registrations-of-verified-addresses.js';
import { KnownClientsInOrder1764650000000 } from './1764650000000-known-clients-in-order.js';

/** Every migration, oldest first. A list, not a glob: what is not named here does not run. */
export const migrations = [
  CreateAuth1764000000000,
  CreateProfile1764000000001,
  CreateBoard1764000000002,
  SessionsEverywhere1764100000000,
  CreateAuditEvents1764100000001,
  RotateSigningKeys1764200000000,
  AccountsForLife1764200000001,
  BoardsInFull1764300000000,
  AccountsTellChanges1764400000001,
  KnownClients1764400000002,
  ContestedRegistrations1764400000003,
  ReadinessProbe1764500000000,
  Outbox1764500000001,
  SearchInAnyLocale1764500000002,
  AuditEventsInOrder1764500000003,
  BoundedSearch1764620000000,
  SessionsLimited1764630000000,
  RegistrationsOfVerifiedAddresses1764640000000,
  KnownClientsInOrder1764650000000,
];
