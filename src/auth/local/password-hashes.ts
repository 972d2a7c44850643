import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { hash, type Options } from '@node-rs/argon2';
import type { DataSource } from 'typeorm';
import { isEqualInConstantTime } from '../../crypto/constant-time.js';
import { normalizePassword } from '../../text/password.js';
import {
  Bulkhead,
  type BulkheadLoad,
  type QueueShare,
  type BulkheadLimits,
} from '../../concurrency/bulkhead.js';

/** Parameters that OWASP recommends first; about 12 ms and 19 MiB a hash. The library's default algorithm is argon2id. */
const ARGON2 = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Returns the prefix of PHC strings with these parameters. */
const prefixOf = ({ memoryCost, timeCost, parallelism }: typeof ARGON2) =>
  `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$`;
const PREFIX = /^\$argon2id\$v=19\$m=\d+,t=\d+,p=\d+\$/;
const TODAY = prefixOf(ARGON2);

/**
 * Bulkhead of hashes. One core is left for other requests. Three hashes are the maximum, because libuv has four threads and
 * DNS look-ups and file reads need one. A queue of 64 takes less than a second on two cores. The reserved queue is for logins
 * from known clients of the account, password resets and reauthentication.
 */
const LIMITS = {
  concurrency: Math.min(Math.max(1, availableParallelism() - 1), 3),
  queue: 64,
  reserved: 32,
};

/**
 * Outcome of a comparison. `outdated`: the password fits, and its hash should be replaced. `registered`: it fits the hash of
 * the registration alone.
 */
type Comparison = 'different' | 'same' | 'outdated' | 'registered';

/**
 * Argon2id hashes of passwords, as PHC strings. New hashes are of the password's normal form (`normalizePassword`). Older
 * hashes are of the password as it was sent, so a password with another normal form is compared twice.
 */
export class PasswordHashes {
  /** Hashes that no password fits, by prefix: one for each set of parameters that accounts have. */
  private readonly dummyHashes = new Map<string, string>();

  private constructor(private readonly bulkhead: Bulkhead) {}

  /** Creates an instance with dummy hashes. `prefixes` are of accounts with older parameters. */
  static async create(
    limits: BulkheadLimits = LIMITS,
    prefixes: readonly string[] = [],
  ): Promise<PasswordHashes> {
    const hashes = new PasswordHashes(new Bulkhead(limits, 'a password hash'));
    for (const prefix of [TODAY, ...prefixes]) await hashes.addDummyHash(prefix);
    return hashes;
  }

  /** Creates an instance for the accounts of a database. Prefixes that appear later are added when a hash has one. */
  static async of(dataSource: DataSource): Promise<PasswordHashes> {
    const rows = await dataSource.query<{ prefix: string | null }[]>(
      'SELECT DISTINCT substring(password_hash FROM $1) AS prefix FROM auth.accounts WHERE password_hash IS NOT NULL',
      [PREFIX.source],
    );
    return PasswordHashes.create(
      LIMITS,
      rows.flatMap(({ prefix }) => prefix ?? []),
    );
  }

  /** Prefixes of the hashes that every comparison computes. */
  get kinds(): readonly string[] {
    return [...this.dummyHashes.keys()];
  }

  /** Numbers of hashes that are running, waiting and finished. */
  get load(): BulkheadLoad {
    return this.bulkhead.load;
  }

  /**
   * Hashes a password, with the salt of `like` where that has the current parameters: {@link compare} then checks both hashes
   * at the cost of one.
   * @throws {Problem} `temporarily_unavailable` when the queue is full.
   */
  async hash(password: string, share?: QueueShare, like?: string | null): Promise<string> {
    const options = like?.startsWith(TODAY) === true ? optionsOf(like) : ARGON2;
    return this.bulkhead.run(() => hash(normalizePassword(password), options), share);
  }

  /** Returns whether a password fits a hash. See {@link compare}. */
  async matches(
    password: string,
    passwordHash: string | null | undefined,
    share?: QueueShare,
  ): Promise<boolean> {
    return (await this.compare(password, passwordHash, share)) !== 'different';
  }

  /**
   * Compares a password with an account's hash and with that of a later registration (see {@link hash}). Every comparison
   * computes one hash for each prefix in use, also without a stored hash. Its time therefore does not reveal whether the account
   * has a password, or one with older parameters. The hash of a registration with another salt, from before the password
   * changed, is not compared.
   * @throws {Problem} `temporarily_unavailable` when the queue is full.
   */
  async compare(
    password: string,
    passwordHash: string | null | undefined,
    share?: QueueShare,
    registrationHash?: string | null,
  ): Promise<Comparison> {
    const normal = normalizePassword(password);
    const fitting = await this.fitting(normal, [passwordHash, registrationHash], share);
    if (fitting === undefined) {
      if (normal === password) return 'different';
      return (await this.fitting(password, [passwordHash], share)) === undefined ? 'different' : 'outdated';
    }
    if (fitting !== passwordHash) return 'registered';
    return fitting.startsWith(TODAY) ? 'same' : 'outdated';
  }

  /** Returns the first of the hashes that the password fits. */
  private async fitting(
    password: string,
    hashes: readonly (string | null | undefined)[],
    share: QueueShare | undefined,
  ): Promise<string | undefined> {
    const stored = hashes.flatMap((each) => (typeof each === 'string' && PREFIX.test(each) ? each : []));
    return this.bulkhead.run(async () => {
      for (const each of stored) await this.addDummyHash(prefixIn(each));
      let fitting: string | undefined;
      for (const [prefix, dummy] of this.dummyHashes) {
        const ofKind = stored.filter((each) => prefixIn(each) === prefix);
        const computed = await hash(password, optionsOf(ofKind[0] ?? dummy));
        fitting ??= ofKind.find((each) => isEqualInConstantTime(each, computed));
      }
      return fitting;
    }, share);
  }

  private async addDummyHash(prefix: string): Promise<void> {
    if (this.dummyHashes.has(prefix)) return;
    this.dummyHashes.set(prefix, await hash(randomBytes(32).toString('base64url'), parametersOf(prefix)));
  }
}

/** Returns the prefix of a hash with its parameters. */
function prefixIn(phc: string): string {
  return PREFIX.exec(phc)?.[0] ?? TODAY;
}

/** Returns parameters, salt and length of a hash, for a hash that is equal where the password is. */
function optionsOf(phc: string): Options {
  const [salt = '', digest = ''] = phc.split('$').slice(4);
  return {
    ...parametersOf(phc),
    salt: Buffer.from(salt, 'base64'),
    outputLen: Buffer.from(digest, 'base64').length,
  };
}

function parametersOf(prefix: string): Options {
  const [memoryCost, timeCost, parallelism] = [...prefix.matchAll(/\b[mtp]=(\d+)/g)].map(([, digits]) =>
    Number(digits),
  );
  return { memoryCost, timeCost, parallelism };
}
