import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { hash, verify } from '@node-rs/argon2';
import { Turns, type Load } from '../../turns.js';

/** OWASP's first choice; about 12 ms and 19 MiB a hash. The library's default algorithm is argon2id. */
const ARGON2 = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/**
 * One hash a core keeps other requests as quick as they are otherwise. Never more than three: libuv runs them on four
 * threads, and DNS look-ups and file reads need one as well. 64 waiting are less than half a second on two cores.
 */
const LIMITS = { atOnce: Math.min(availableParallelism(), 3), waiting: 64 };

/**
 * Passwords as argon2id PHC strings. A password counts exactly as it was sent, without Unicode normalisation: what a
 * device types today it types tomorrow, and nobody's second spelling opens the door.
 */
export class PasswordHashes {
  private constructor(
    private readonly turns: Turns,
    private readonly nobodys: string,
  ) {}

  /** Makes, once, the hash that the passwords of people without one are compared with. */
  static async create(limits = LIMITS): Promise<PasswordHashes> {
    return new PasswordHashes(
      new Turns(limits, 'a password hash'),
      await hash(randomBytes(32).toString('base64url'), ARGON2),
    );
  }

  /** How many hashes are being computed, wait for that, and have been computed. */
  get load(): Load {
    return this.turns.load;
  }

  /** @throws {Problem} `temporarily_unavailable` when too many are waiting. */
  async hash(password: string): Promise<string> {
    return this.turns.run(() => hash(password, ARGON2));
  }

  /** Whether a hash was made with weaker parameters than those of today. */
  isOutdated(passwordHash: string): boolean {
    const { memoryCost, timeCost, parallelism } = ARGON2;
    return !passwordHash.startsWith(`$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$`);
  }

  /**
   * Whether the password is the one behind the hash. Where there is no hash the answer is no, after the same work, so
   * that the time does not tell who has a password.
   * @throws {Problem} `temporarily_unavailable` when too many are waiting.
   */
  async matches(password: string, passwordHash: string | null | undefined): Promise<boolean> {
    const same = await this.turns.run(() => verify(passwordHash ?? this.nobodys, password));
    return same && typeof passwordHash === 'string';
  }
}
