import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { z } from 'zod';
import type { Actor } from '../access/actor.js';
import { Problem } from '../problems/problem.js';
import { presentedPassword } from '../text/password.js';
import type { Account } from './account.entity.js';
import { Limits } from './limits/limits.js';
import { PasswordHashes } from './local/password-hashes.js';

/** How long ago (s) someone may have logged in to count as the person who did, and not as who found the laptop open. */
const RECENT = 600;

/** What comes along with a request for something that cannot be taken back. */
export const reauthentication = z.strictObject({ password: presentedPassword.optional() });

/** Before the ways into an account change, or it ends: is it the person, and not just their browser? */
@Injectable()
export class Reauthentication {
  constructor(
    private readonly limits: Limits,
    private readonly hashes: PasswordHashes,
  ) {}

  /**
   * Lets those through who have logged in a moment ago, or send the password of the account.
   * @throws {Problem} `reauthentication_required`, `credentials_invalid`, `too_many_attempts`.
   */
  async require(
    db: EntityManager,
    { sessionId }: Actor,
    account: Account,
    password: string | undefined,
  ): Promise<void> {
    if (password !== undefined) {
      const attempt = await this.limits.password(account.id);
      if (await this.hashes.matches(password, account.passwordHash)) return attempt.succeeded();
      throw new Problem('credentials_invalid');
    }
    const [session] = await db.query<{ recent: boolean }[]>(
      'SELECT created_at > now() - make_interval(secs => $2) AS recent FROM auth.sessions WHERE id = $1 AND ended_at IS NULL',
      [sessionId, RECENT],
    );
    if (session?.recent !== true) throw new Problem('reauthentication_required');
  }
}
