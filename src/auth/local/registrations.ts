import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { Mail } from '../../mail/mailer.js';
import { Problem } from '../../problems/problem.js';
import type { Account } from '../accounts/account.entity.js';
import { Accounts } from '../accounts/accounts.js';
import { recordAuditEvent } from '../audit/audit-log.js';
import { AccountMails } from '../account-mails/account-mails.js';
import { addressInUseMail, verifyEmailMail, type Registered } from '../account-mails/templates.js';
import { routedNetworkOf } from '../../rate-limits/client-address.js';
import { LoginRateLimits } from '../rate-limits/login-rate-limits.js';
import type { Registration } from './schemas.js';
import { OneTimeTokens, type OneTimeGrant } from './one-time-tokens.js';
import { PasswordHashes } from './password-hashes.js';

/**
 * Mails of registrations of one address that are sent without a pause, each with a link for its own password. The mail of a
 * later registration waits, and its link sets no password.
 */
const REGISTRATION_BURST = 5;

/**
 * Registration of an address with a password. Anyone can register any address, so a registration takes effect when the link in
 * its mail is opened. Only the mail reveals whether the address has an account.
 *
 * Each of several registrations has a mail whose link sets its own password. A mail that is requested again cannot name one of
 * them, because each may be a stranger's. Its link therefore verifies the address and logs in without setting a password; the
 * owner sets one through a password reset.
 */
@Injectable()
export class Registrations implements OnModuleInit {
  constructor(
    private readonly accounts: Accounts,
    private readonly limits: LoginRateLimits,
    private readonly hashes: PasswordHashes,
    private readonly tokens: OneTimeTokens,
    private readonly mails: AccountMails,
  ) {}

  /**
   * Records a registration, with one hash and equal statements for every address. Work that differs follows the response.
   * @throws {Problem} `too_many_attempts`, `temporarily_unavailable`.
   */
  async register({ email, password, nickname }: Registration, address: string): Promise<void> {
    await this.limits.hitRecipient(email, address);
    const account = await this.accounts.findByEmail(email);
    const verifiedHash = account === null || account.emailVerifiedAt === null ? null : account.passwordHash;
    const share = { key: routedNetworkOf(address) };
    const passwordHash = await this.hashes.hash(password, share, verifiedHash);
    const { accountId, verified, hasSeveralRegistrations } = await this.accounts.register(
      email,
      passwordHash,
      nickname,
    );
    if (verified) {
      await this.mails.request({ mail: 'address-in-use', to: email }, { name: 'address-in-use' });
      return;
    }
    const own = { accountId, passwordHash, nickname, hasSeveralRegistrations };
    await this.mails.request(
      { mail: 'verify-email', to: email, registration: own },
      { name: 'register', burst: REGISTRATION_BURST },
    );
  }

  onModuleInit(): void {
    this.mails.registerWriter('verify-email', ({ to, registration }) => {
      if (registration === undefined) return this.linkAgain(to);
      const { hasSeveralRegistrations, ...grant } = registration;
      return this.link(to, grant, hasSeveralRegistrations ? 'later' : 'only');
    });
    this.mails.registerWriter('address-in-use', async ({ to }) => {
      const account = await this.accounts.findByEmail(to);
      return account === null ? undefined : this.inUse(to, account);
    });
  }

  /**
   * Sends the mail of a registration again. With several registrations its link sets no password. An address that was
   * registered again after it was verified gets the mail that it is in use.
   * @throws {Problem} `too_many_attempts`.
   */
  async resend(email: string, address: string): Promise<void> {
    await this.limits.hitRecipient(email, address);
    await this.mails.request({ mail: 'verify-email', to: email }, { name: 'resend' });
  }

  private async linkAgain(email: string): Promise<Mail | undefined> {
    const account = await this.accounts.findByEmail(email);
    if (account === null) return undefined;
    if (account.emailVerifiedAt !== null) {
      return account.registrationHash === null ? undefined : this.inUse(email, account);
    }
    const { id: accountId, passwordHash, nickname, hasSeveralRegistrations } = account;
    return hasSeveralRegistrations
      ? this.link(email, { accountId, passwordHash: null, nickname: null }, 'none')
      : this.link(email, { accountId, passwordHash, nickname }, 'only');
  }

  /**
   * Verifies the address by a mailed link, and gives the account the password and the nickname of that registration. The links
   * of other registrations are refused from then on.
   * @throws {Problem} `token_invalid`.
   */
  async verify(token: string): Promise<Account> {
    return this.tokens.redeem('verify-email', token, async (grant, db) => {
      const { accountId } = grant;
      if (!(await this.accounts.verifyEmail(db, accountId, grant)))
        throw new Problem('token_invalid', { reason: 'the address was verified before' });
      await recordAuditEvent(db, { accountId, kind: 'email_verified' });
      return this.accounts.get(accountId, db);
    });
  }

  private async inUse(email: string, { id }: Account): Promise<Mail> {
    return addressInUseMail(email, await this.mails.localeOf(id), `${this.mails.page}/`);
  }

  private async link(email: string, grant: OneTimeGrant, which: Registered): Promise<Mail> {
    const token = await this.tokens.issue('verify-email', grant);
    // In the fragment, which browsers do not send, so that no server logs the token.
    const link = `${this.mails.page}/#verify-email=${token}`;
    return verifyEmailMail(email, await this.mails.localeOf(grant.accountId), link, which);
  }
}
