import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { Strategy } from 'passport-local';
import { Problem } from '../../problems/problem.js';
import type { QueueShare } from '../../concurrency/bulkhead.js';
import type { Account } from '../accounts/account.entity.js';
import { Accounts, hasRecentRegistration } from '../accounts/accounts.js';
import { PasswordHashes } from './password-hashes.js';

/** Request as {@link LocalGuard} makes it. */
interface LocalRequest {
  readonly share: QueueShare;
}

/** Passport strategy for an address and a password. Each run takes one look-up and the same hashes, whatever the outcome. */
@Injectable()
export class LocalStrategy extends PassportStrategy(Strategy) {
  constructor(
    private readonly accounts: Accounts,
    private readonly hashes: PasswordHashes,
  ) {
    super({ usernameField: 'email', passReqToCallback: true });
  }

  /**
   * Returns the account, or undefined when address or password is wrong.
   * @throws {Problem} `email_not_verified` for the password of an unverified registration, also where the address has a
   *   verified account: both have the same answer.
   */
  async validate({ share }: LocalRequest, email: string, password: string): Promise<Account | undefined> {
    const account = await this.accounts.findByEmail(email);
    const { passwordHash, registrationHash } = account ?? {};
    const comparison = await this.hashes.compare(password, passwordHash, share, registrationHash);
    if (account === null || comparison === 'different') return undefined;
    if (comparison === 'registered' || account.emailVerifiedAt === null) {
      if (!hasRecentRegistration(account)) return undefined;
      throw new Problem('email_not_verified');
    }
    return comparison === 'outdated' ? this.renew(account, password, share) : account;
  }

  /** Replaces a hash of older parameters. The password is available at a login only. */
  private async renew(account: Account, password: string, share: QueueShare): Promise<Account | undefined> {
    const { id, passwordHash } = account;
    if (passwordHash === null) return account;
    const renewed = await this.hashes.hash(password, share);
    // A concurrent login or reset may have replaced the hash first.
    if (!(await this.accounts.replacePasswordHash(id, passwordHash, renewed)))
      return this.validate({ share }, account.email ?? '', password);
    return Object.assign(account, { passwordHash: renewed });
  }
}
