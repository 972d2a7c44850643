import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { hash, verify } from '@node-rs/argon2';
import type { DataSource } from 'typeorm';
import { normalizePassword } from '../../text/password.js';
import { Turns, type Load, type Party, type TurnLimits } from '../../turns.js';

/** OWASP's first choice; about 12 ms and 19 MiB a hash. The library's default algorithm is argon2id. */
const ARGON2 = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** What a PHC string begins with when it was made with these. */
const prefixOf = ({ memoryCost, timeCost, parallelism }: typeof ARGON2) =>
  `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$`;
const PREFIX = /^\$argon2id\$v=19\$m=\d+,t=\d+,p=\d+\$/;
const TODAY = prefixOf(ARGON2);

/**
 * One hash a core keeps other requests as quick as they are otherwise. Never more than three: libuv runs them on four
 * threads, and DNS look-ups and file reads need one as well. 64 waiting are less than half a second on two cores. The
 * reserved places are for log-ins from clients that the account knows, links to reset a password, and people who are
 * logged in.
 */
const LIMITS = { atOnce: Math.min(availableParallelism(), 3), waiting: 64, reserved: 32 };

/** The outcome of a comparison. `outdated`: the password fits, and its hash should be replaced by one of today. */
export type Comparison = 'different' | 'same' | 'outdated';

/**
 * Argon2id hashes of passwords, as PHC strings. New hashes are of the password's normal form (`normalizePassword`). Hashes
 * from before that rule are of the password as it was sent, so a password with another normal form is compared twice.
 */
export class PasswordHashes {
  /** By what their parameters write in front: hashes of nobody's password, one of each kind that accounts have. */
  private readonly nobodys = new Map<string, string>();

  private constructor(private readonly turns: Turns) {}

  /** Makes, once, the hashes that no password fits; `prefixes` are those of accounts from before the parameters changed. */
  static async create(
    limits: TurnLimits = LIMITS,
    prefixes: readonly string[] = [],
  ): Promise<PasswordHashes> {
    const hashes = new PasswordHashes(new Turns(limits, 'a password hash'));
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
    return [...this.nobodys.keys()];
  }

  /** How many hashes are being computed, wait for that, and have been computed. */
  get load(): Load {
    return this.turns.load;
  }

  /** @throws {Problem} `temporarily_unavailable` when too many are waiting. */
  async hash(password: string, party?: Party): Promise<string> {
    return this.turns.run(() => hash(normalizePassword(password), ARGON2), party);
  }

  /** As {@link compare}, where the hash is not replaced. */
  async matches(password: string, passwordHash: string | null | undefined, party?: Party): Promise<boolean> {
    return (await this.compare(password, passwordHash, party)) !== 'different';
  }

  /**
   * Compares a password with a hash. Where there is no hash the answer is `different`, after the same work, so that the time
   * does not tell who has a password. Nor does it tell whose hash is an old one: as long as there are such, everyone pays
   * for one of each kind. The number of comparisons depends on the password alone.
   * @throws {Problem} `temporarily_unavailable` when too many are waiting.
   */
  async compare(
    password: string,
    passwordHash: string | null | undefined,
    party?: Party,
  ): Promise<Comparison> {
    const normal = normalizePassword(password);
    if (await this.fits(normal, passwordHash, party)) {
      return passwordHash?.startsWith(TODAY) === true ? 'same' : 'outdated';
    }
    return normal !== password && (await this.fits(password, passwordHash, party)) ? 'outdated' : 'different';
  }

  private async fits(
    password: string,
    passwordHash: string | null | undefined,
    party: Party | undefined,
  ): Promise<boolean> {
    const own = PREFIX.exec(passwordHash ?? '')?.[0] ?? TODAY;
    return this.turns.run(async () => {
      await this.learn(own);
      let same = false;
      for (const [prefix, nobodys] of this.nobodys) {
        const theirs = prefix === own ? passwordHash : undefined;
        const fits = await verify(theirs ?? nobodys, password);
        same ||= fits && typeof theirs === 'string';
      }
      return same;
    }, party);
  }

  private async learn(prefix: string): Promise<void> {
    if (this.nobodys.has(prefix)) return;
    const numbers = [...prefix.matchAll(/[mtp]=(\d+)/g)].map(([, digits]) => Number(digits));
    const [memoryCost, timeCost, parallelism] = numbers;
    const parameters = { memoryCost, timeCost, parallelism };
    this.nobodys.set(prefix, await hash(randomBytes(32).toString('base64url'), parameters));
  }
}
