import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { Strategy } from 'passport-local';
import { Problem } from '../../problems/problem.js';
import type { QueueShare } from '../../concurrency/bulkhead.js';
import type { Account } from '../accounts/account.entity.js';
import { Accounts, hasRecentRegistration } from '../accounts/accounts.js';
import { PasswordHashes } from './password-hashes.js';

/** Options from the guard: the share of the queue of hashes. */
interface Asked {
  readonly party: QueueShare;
}

/** Passport strategy for an address and a password: one look-up and equally many hashes for every outcome. */
@Injectable()
export class LocalStrategy extends PassportStrategy(Strategy) {
  constructor(
    private readonly accounts: Accounts,
    private readonly hashes: PasswordHashes,
  ) {
    super({ usernameField: 'email', passReqToCallback: true });
  }

  /**
   * Returns the account, or undefined for an unknown address or a wrong password.
   * @throws {Problem} `email_not_verified` for the password of a recent registration, also of an address that was verified
   *   before: the responses must not differ.
   */
  async validate({ party }: Asked, email: string, password: string): Promise<Account | undefined> {
    const account = await this.accounts.findByEmail(email);
    const { passwordHash, registrationHash } = account ?? {};
    const comparison = await this.hashes.compare(password, passwordHash, party, registrationHash);
    if (account === null || comparison === 'different') return undefined;
    if (comparison === 'registered' || account.emailVerifiedAt === null) {
      if (!hasRecentRegistration(account)) return undefined;
      throw new Problem('email_not_verified');
    }
    return comparison === 'outdated' ? this.renew(account, password, party) : account;
  }

  /** Replaces a hash with outdated parameters, while the password is in memory. */
  private async renew(account: Account, password: string, party: QueueShare): Promise<Account | undefined> {
    const { id, passwordHash } = account;
    if (passwordHash === null) return account;
    const renewed = await this.hashes.hash(password, party);
    // A concurrent login or reset may have replaced the hash first.
    if (!(await this.accounts.replacePasswordHash(id, passwordHash, renewed)))
      return this.validate({ party }, account.email ?? '', password);
    return Object.assign(account, { passwordHash: renewed });
  }
}
