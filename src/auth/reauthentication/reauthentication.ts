import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { EntityManager, Repository } from 'typeorm';
import { z } from 'zod';
import type { Actor } from '../../access/actor.js';
import { Problem } from '../../problems/problem.js';
import { routedNetworkOf } from '../../rate-limits/client-address.js';
import { presentedPassword } from '../../text/password.js';
import { Account } from '../accounts/account.entity.js';
import { LoginRateLimits } from '../rate-limits/login-rate-limits.js';
import { PasswordHashes } from '../local/password-hashes.js';

/** How long ago (s) someone may have logged in to count as the person who did, and not as who found the laptop open. */
const MAX_LOGIN_AGE_S = 600;

/** What comes along with a request for something that cannot be taken back. */
export const reauthentication = z.strictObject({ password: presentedPassword.optional() });

/** Before the ways into an account change, or it ends: is it the person, and not just their browser? */
@Injectable()
export class Reauthentication {
  constructor(
    @InjectRepository(Account) private readonly accounts: Repository<Account>,
    private readonly limits: LoginRateLimits,
    private readonly hashes: PasswordHashes,
  ) {}

  /**
   * Compares the password that was sent, before a transaction begins: a comparison may wait in the queue of hashes, and
   * would hold a connection and the account's row meanwhile. The result is for {@link require}.
   * @param address the client's, for its place in that queue.
   * @returns the hash that the password fits; undefined where none was sent.
   * @throws {Problem} `credentials_invalid`, `too_many_attempts`, `temporarily_unavailable`.
   */
  async comparePassword(
    { accountId }: Actor,
    password: string | undefined,
    address: string,
  ): Promise<string | undefined> {
    if (password === undefined) return undefined;
    const { passwordHash } = await this.accounts.findOneByOrFail({ id: accountId });
    const attempt = await this.limits.beginReauthentication(accountId);
    const party = { key: routedNetworkOf(address), reserved: true };
    return attempt.judge(async () => {
      if (!(await this.hashes.matches(password, passwordHash, party)) || passwordHash === null)
        throw new Problem('credentials_invalid');
      return passwordHash;
    });
  }

  /**
   * Lets those through whose password fitted, unless it has changed since, or who have logged in a moment ago.
   * @throws {Problem} `reauthentication_required`, `credentials_invalid`.
   */
  async require(
    db: EntityManager,
    { sessionId }: Actor,
    { passwordHash }: Account,
    compared: string | undefined,
  ): Promise<void> {
    if (compared !== undefined) {
      if (compared === passwordHash) return;
      throw new Problem('credentials_invalid', { reason: 'it was changed at the same time' });
    }
    const [session] = await db.query<{ recent: boolean }[]>(
      'SELECT created_at > now() - make_interval(secs => $2) AS recent FROM auth.sessions WHERE id = $1 AND ended_at IS NULL',
      [sessionId, MAX_LOGIN_AGE_S],
    );
    if (session?.recent !== true) throw new Problem('reauthentication_required');
  }
}
