import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { randomUUID } from 'node:crypto';
import { IsNull, Not, type Repository } from 'typeorm';
import type { Mail } from '../../mail/mailer.js';
import { Problem } from '../../problems/problem.js';
import { Account } from '../accounts/account.entity.js';
import { recordAuditEvent } from '../audit/audit-log.js';
import { AccountMails } from '../account-mails/account-mails.js';
import { guestName } from '../accounts/guest-name.js';
import { addressInUseMail, verifyEmailMail, type Registered } from '../account-mails/templates.js';
import { routedNetworkOf } from '../../rate-limits/client-address.js';
import { LoginRateLimits } from '../rate-limits/login-rate-limits.js';
import type { Registration } from './schemas.js';
import { OneTimeTokens, type OneTimeGrant } from './one-time-tokens.js';
import { PasswordHashes } from './password-hashes.js';

/**
 * Registrations of one address whose mails go out at once, each with the link to its own password: its owner may be any of
 * them. The mail of a later one waits, and its link belongs to none of them.
 */
const REGISTRATION_BURST = 5;

/** Days for which a registration waits. */
export const WAITING_DAYS = 7;

/** True while the last registration of the address waits to be verified; of a verified address, it would. */
export function isWaiting({ registeredAt, createdAt }: Account): boolean {
  return Date.now() - (registeredAt ?? createdAt).getTime() < WAITING_DAYS * 86_400_000;
}

/**
 * The way to an account with a password. Anyone can register any address, so nothing counts until somebody opens the
 * mail, and then what counts is the very registration that sent it. Whether an address was known shows only in its mail.
 *
 * Of several registrations that wait, each has a mail with a link of its own, for its own password. A mail that is asked
 * for again cannot tell whose it is to be: the first one may be a stranger's, and so may the last. So it belongs to none of
 * them: its link verifies the address and logs in, and leaves the account without a password, for its owner to choose one
 * over another mail. That costs a detour for who registered twice, and keeps out who registered somebody else.
 */
@Injectable()
export class Registrations implements OnModuleInit {
  constructor(
    @InjectRepository(Account) private readonly accounts: Repository<Account>,
    private readonly limits: LoginRateLimits,
    private readonly hashes: PasswordHashes,
    private readonly tokens: OneTimeTokens,
    private readonly mails: AccountMails,
  ) {}

  /**
   * Takes a registration: one hash and two statements for every address. What differs comes after the answer.
   * @throws {Problem} `too_many_attempts`, `temporarily_unavailable`.
   */
  async register({ email, password, nickname }: Registration, address: string): Promise<void> {
    await this.limits.hitRecipient(email, address);
    const known = await this.accounts.findOneBy({ email, emailVerifiedAt: Not(IsNull()) });
    const party = { key: routedNetworkOf(address) };
    const passwordHash = await this.hashes.hash(password, party, known?.passwordHash);
    const { accountId, verified, hasSeveralRegistrations } = await this.record(email, passwordHash, nickname);
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
    this.mails.registerTemplate('verify-email', ({ to, registration }) => {
      if (registration === undefined) return this.linkAgain(to);
      const { hasSeveralRegistrations, ...grant } = registration;
      return this.link(to, grant, hasSeveralRegistrations ? 'later' : 'only');
    });
    this.mails.registerTemplate('address-in-use', async ({ to }) => {
      const account = await this.accounts.findOneBy({ email: to });
      return account === null ? undefined : this.inUse(to, account);
    });
  }

  /**
   * Sends the mail of the only registration again, or of none in particular, where an address waits for it; and where it
   * was registered again after it was verified, the mail that it is in use.
   * @throws {Problem} `too_many_attempts`.
   */
  async resend(email: string, address: string): Promise<void> {
    await this.limits.hitRecipient(email, address);
    await this.mails.request({ mail: 'verify-email', to: email }, { name: 'resend' });
  }

  private async linkAgain(email: string): Promise<Mail | undefined> {
    const account = await this.accounts.findOneBy({ email });
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
   * Ends the registration that sent the mail: its password and nickname are the account's from now on. All other mails
   * to the address are worthless then.
   * @throws {Problem} `token_invalid`.
   */
  async verify(token: string): Promise<Account> {
    return this.tokens.redeem('verify-email', token, async (grant, db) => {
      const { accountId, passwordHash, nickname } = grant;
      const { affected } = await db.update(
        Account,
        { id: accountId, emailVerifiedAt: IsNull() },
        { emailVerifiedAt: () => 'now()', passwordHash, nickname: nickname ?? undefined },
      );
      if (affected !== 1) throw new Problem('token_invalid', { reason: 'the address was verified before' });
      await recordAuditEvent(db, { accountId, kind: 'email_verified' });
      return db.findOneByOrFail(Account, { id: accountId });
    });
  }

  /**
   * The account of the address. One that waits keeps the password that was registered last, for log-ins before it is
   * verified (`email_not_verified`), and gets a nickname that nobody typed. One that is verified keeps that password apart
   * from its own.
   */
  private async record(
    email: string,
    passwordHash: string,
    nickname: string,
  ): Promise<{ accountId: string; verified: boolean; hasSeveralRegistrations: boolean }> {
    // Not a UUIDv7, which would tell everyone the time of registration.
    const id = randomUUID();
    const [account] = await this.accounts.query<
      { accountId: string; verified: boolean; hasSeveralRegistrations: boolean }[]
    >(
      `INSERT INTO auth.accounts AS known (id, email, password_hash, nickname, registered_at)
       VALUES ($1, $2, $3, $4, now())
       ON CONFLICT (email) DO UPDATE SET
         registered_at = now(),
         registration_hash = CASE WHEN known.email_verified_at IS NOT NULL THEN excluded.password_hash END,
         password_hash = CASE WHEN known.email_verified_at IS NULL THEN excluded.password_hash ELSE known.password_hash END,
         nickname = CASE WHEN known.email_verified_at IS NULL THEN $5 ELSE known.nickname END,
         has_several_registrations = known.email_verified_at IS NULL
       RETURNING id AS "accountId", email_verified_at IS NOT NULL AS verified, has_several_registrations AS "hasSeveralRegistrations"`,
      [id, email, passwordHash, nickname, guestName(id)],
    );
    if (account === undefined) throw new Error('the account was not recorded');
    return account;
  }

  private async inUse(email: string, { id }: Account): Promise<Mail> {
    return addressInUseMail(email, await this.mails.localeOf(id), `${this.mails.page}/`);
  }

  private async link(email: string, grant: OneTimeGrant, which: Registered): Promise<Mail> {
    const token = await this.tokens.issue('verify-email', grant);
    // In the fragment, which browsers keep to themselves: no server's log shows it.
    const link = `${this.mails.page}/#verify-email=${token}`;
    return verifyEmailMail(email, await this.mails.localeOf(grant.accountId), link, which);
  }
}
