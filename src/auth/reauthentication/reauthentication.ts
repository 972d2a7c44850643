import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Actor } from '../../access/actor.js';
import { Problem } from '../../problems/problem.js';
import { routedNetworkOf } from '../../rate-limits/client-address.js';
import type { Account } from '../accounts/account.entity.js';
import { Accounts } from '../accounts/accounts.js';
import { LoginRateLimits } from '../rate-limits/login-rate-limits.js';
import { PasswordHashes } from '../local/password-hashes.js';

/** Maximum age of a login that needs no password. A session of an unattended browser is usually older. */
const MAX_LOGIN_AGE_S = 600;

/** Reauthentication before an account is deleted or its login methods change: by password, or by a recent login. */
@Injectable()
export class Reauthentication {
  constructor(
    private readonly accounts: Accounts,
    private readonly limits: LoginRateLimits,
    private readonly hashes: PasswordHashes,
  ) {}

  /**
   * Compares the password of a request, for {@link require}. It must run before the transaction begins, because a comparison
   * may wait in the queue of hashes while the transaction holds a connection and the account's row.
   * @param address of the client, which determines its share of that queue.
   * @returns the hash that the password fits; undefined for a request without a password.
   * @throws {Problem} `credentials_invalid`, `too_many_attempts`, `temporarily_unavailable`.
   */
  async comparePassword(
    { accountId }: Actor,
    password: string | undefined,
    address: string,
  ): Promise<string | undefined> {
    if (password === undefined) return undefined;
    const { passwordHash } = await this.accounts.get(accountId);
    const attempt = await this.limits.beginReauthentication(accountId);
    const share = { key: routedNetworkOf(address), reserved: true };
    return attempt.judge(async () => {
      if (!(await this.hashes.matches(password, passwordHash, share)) || passwordHash === null)
        throw new Problem('credentials_invalid');
      return passwordHash;
    });
  }

  /**
   * Requires a password that fits the account's current hash, or a session that was opened recently.
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
