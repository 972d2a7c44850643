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

/** OWASP's first choice; about 12 ms and 19 MiB a hash. The library's default algorithm is argon2id. */
const ARGON2 = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** What a PHC string begins with when it was made with these. */
const prefixOf = ({ memoryCost, timeCost, parallelism }: typeof ARGON2) =>
  `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$`;
const PREFIX = /^\$argon2id\$v=19\$m=\d+,t=\d+,p=\d+\$/;
const TODAY = prefixOf(ARGON2);

/**
 * One hash on each core but one, which other requests keep, and three at most: libuv runs hashes on four threads, and DNS
 * look-ups and file reads need one as well. 64 that wait take less than a second on two cores. The reserved places are for
 * log-ins from clients that the account knows, links to reset a password, and people who are logged in.
 */
const LIMITS = {
  concurrency: Math.min(Math.max(1, availableParallelism() - 1), 3),
  queue: 64,
  reserved: 32,
};

/**
 * The outcome of a comparison. `outdated`: the password fits, and its hash should be replaced by one of today. `registered`:
 * it fits the registration alone.
 */
export type Comparison = 'different' | 'same' | 'outdated' | 'registered';

/**
 * Argon2id hashes of passwords, as PHC strings. New hashes are of the password's normal form (`normalizePassword`). Hashes
 * from before that rule are of the password as it was sent, so a password with another normal form is compared twice.
 */
export class PasswordHashes {
  /** By what their parameters write in front: hashes of nobody's password, one of each kind that accounts have. */
  private readonly dummyHashes = new Map<string, string>();

  private constructor(private readonly bulkhead: Bulkhead) {}

  /** Makes, once, the hashes that no password fits; `prefixes` are those of accounts from before the parameters changed. */
  static async create(
    limits: BulkheadLimits = LIMITS,
    prefixes: readonly string[] = [],
  ): Promise<PasswordHashes> {
    const hashes = new PasswordHashes(new Bulkhead(limits, 'a password hash'));
    for (const prefix of [TODAY, ...prefixes]) await hashes.learn(prefix);
    return hashes;
  }

  /** The same for the accounts in a database; what is put there later is learned when it is first met. */
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

  /** What the hashes begin with of which every comparison computes one. */
  get kinds(): readonly string[] {
    return [...this.dummyHashes.keys()];
  }

  /** How many hashes are being computed, wait for that, and have been computed. */
  get load(): BulkheadLoad {
    return this.bulkhead.load;
  }

  /**
   * Hashes a password, with the salt of `like` where that has the parameters of today: {@link compare} takes both hashes for
   * the cost of one.
   * @throws {Problem} `temporarily_unavailable` when too many are waiting.
   */
  async hash(password: string, party?: QueueShare, like?: string | null): Promise<string> {
    const options = like?.startsWith(TODAY) === true ? optionsOf(like) : ARGON2;
    return this.bulkhead.run(() => hash(normalizePassword(password), options), party);
  }

  /** As {@link compare}, where the hash is not replaced. */
  async matches(
    password: string,
    passwordHash: string | null | undefined,
    party?: QueueShare,
  ): Promise<boolean> {
    return (await this.compare(password, passwordHash, party)) !== 'different';
  }

  /**
   * Compares a password with a hash, and with that of a registration which came later (see {@link hash}). Where there is no
   * hash the answer is `different`, after the same work, so that the time does not tell who has a password. Nor does it tell
   * whose hash is an old one: as long as there are such, everyone pays for one of each kind. The number of comparisons
   * depends on the password alone. A registration with another salt, from before the password changed, fits nothing.
   * @throws {Problem} `temporarily_unavailable` when too many are waiting.
   */
  async compare(
    password: string,
    passwordHash: string | null | undefined,
    party?: QueueShare,
    registrationHash?: string | null,
  ): Promise<Comparison> {
    const normal = normalizePassword(password);
    const fitting = await this.fitting(normal, [passwordHash, registrationHash], party);
    if (fitting === undefined) {
      if (normal === password) return 'different';
      return (await this.fitting(password, [passwordHash], party)) === undefined ? 'different' : 'outdated';
    }
    if (fitting !== passwordHash) return 'registered';
    return fitting.startsWith(TODAY) ? 'same' : 'outdated';
  }

  /** The first of the hashes that the password fits. */
  private async fitting(
    password: string,
    hashes: readonly (string | null | undefined)[],
    party: QueueShare | undefined,
  ): Promise<string | undefined> {
    const stored = hashes.flatMap((each) => (typeof each === 'string' && PREFIX.test(each) ? each : []));
    return this.bulkhead.run(async () => {
      for (const each of stored) await this.learn(prefixIn(each));
      let fitting: string | undefined;
      for (const [prefix, nobodys] of this.dummyHashes) {
        const ofKind = stored.filter((each) => prefixIn(each) === prefix);
        const computed = await hash(password, optionsOf(ofKind[0] ?? nobodys));
        fitting ??= ofKind.find((each) => isEqualInConstantTime(each, computed));
      }
      return fitting;
    }, party);
  }

  private async learn(prefix: string): Promise<void> {
    if (this.dummyHashes.has(prefix)) return;
    this.dummyHashes.set(prefix, await hash(randomBytes(32).toString('base64url'), parametersOf(prefix)));
  }
}

/** The parameters in front of a hash. */
function prefixIn(phc: string): string {
  return PREFIX.exec(phc)?.[0] ?? TODAY;
}

/** Parameters, salt and length of a hash: a hash of the same password with these is the same. */
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
