import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { DataSource, In, type Repository } from 'typeorm';
import type { Actor } from '../../access/actor.js';
import type { Mail } from '../../mail/mailer.js';
import { refuseLateCommit } from '../../http/request-budget.js';
import { Outbox } from '../../outbox/outbox.js';
import type { FieldErrorCode } from '../../problems/field-errors.js';
import { Problem } from '../../problems/problem.js';
import { routedNetworkOf } from '../../rate-limits/client-address.js';
import { Account } from '../accounts/account.entity.js';
import { recordAuditEvent } from '../audit/audit-log.js';
import { AccountMails } from '../account-mails/account-mails.js';
import { LoginRateLimits } from '../rate-limits/limits.js';
import { resetPasswordMail } from '../account-mails/templates.js';
import { Sessions } from '../sessions/sessions.js';
import { normalizePassword } from '../../text/password.js';
import { isOneOf } from './credentials.js';
import { OneTimeTokens } from './one-time-tokens.js';
import { PasswordHashes } from './password-hashes.js';

/** How a password becomes another one. */
@Injectable()
export class Passwords implements OnModuleInit {
  constructor(
    @InjectRepository(Account) private readonly accounts: Repository<Account>,
    private readonly dataSource: DataSource,
    private readonly limits: LoginRateLimits,
    private readonly hashes: PasswordHashes,
    private readonly tokens: OneTimeTokens,
    private readonly sessions: Sessions,
    private readonly mails: AccountMails,
    private readonly outbox: Outbox,
  ) {}

  onModuleInit(): void {
    this.mails.registerTemplate('reset-password', ({ to }) => this.resetMail(to));
  }

  /**
   * Mails a link to choose a new password, where the address is one of ours. Whether it is shows nowhere else.
   * @throws {Problem} `too_many_attempts`.
   */
  async requestReset(email: string, address: string): Promise<void> {
    await this.limits.hitRecipient(email, address);
    await this.mails.request({ mail: 'reset-password', to: email }, { name: 'reset-password', address });
  }

  private async resetMail(email: string): Promise<Mail | undefined> {
    const account = await this.accounts.findOneBy({ email, status: In(['active', 'disabled']) });
    if (account === null) return undefined;
    const grant = { accountId: account.id, passwordHash: null, nickname: null };
    const token = await this.tokens.issue('reset-password', grant);
    const link = `${this.mails.page}/#reset-password=${token}`;
    return resetPasswordMail(email, await this.mails.localeOf(account.id), link);
  }

  /**
   * Sets the password that the owner of an address chose, and ends every session of the account, whoever had them.
   * Having read the mail, they have verified the address as well.
   * @throws {Problem} `token_invalid`, `validation_failed`.
   */
  async reset(token: string, password: string, address: string): Promise<void> {
    // What was never a token of ours is not worth a hash.
    await this.tokens.check('reset-password', token);
    const party = { key: routedNetworkOf(address), reserved: true };
    const passwordHash = await this.hashes.hash(password, party);
    const announce = await this.tokens.redeem('reset-password', token, async ({ accountId }, db) => {
      const owner = await db.findOneByOrFail(Account, { id: accountId });
      refuseOwnWords(password, owner, '/password');
      await db.update(
        Account,
        { id: accountId },
        { passwordHash, emailVerifiedAt: () => 'coalesce(email_verified_at, now())' },
      );
      await db.query('DELETE FROM auth.one_time_tokens WHERE account_id = $1 AND used_at IS NULL', [
        accountId,
      ]);
      await this.mails.notify(db, 'password-changed', {
        id: accountId,
        email: owner.email,
        emailVerifiedAt: owner.emailVerifiedAt ?? new Date(),
      });
      if (owner.emailVerifiedAt === null) await recordAuditEvent(db, { accountId, kind: 'email_verified' });
      await recordAuditEvent(db, { accountId, kind: 'password_reset' });
      return this.sessions.endAllOf(accountId, { reason: 'password_reset' }, db);
    });
    await announce();
    this.outbox.wake();
  }

  /**
   * Sets another password for who knows the present one, and ends every other session. Only they learn that it is the same.
   * @throws {Problem} `credentials_invalid`, `validation_failed`.
   */
  async change(actor: Actor, current: string, next: string, address: string): Promise<void> {
    const account = await this.accounts.findOneByOrFail({ id: actor.accountId });
    const party = { key: routedNetworkOf(address), reserved: true };
    const attempt = await this.limits.beginReauthentication(account.id);
    const before = await attempt.judge(async () => {
      const { passwordHash } = account;
      if (!(await this.hashes.matches(current, passwordHash, party)) || passwordHash === null)
        throw new Problem('credentials_invalid');
      return passwordHash;
    });
    if (next === normalizePassword(current))
      throw refused('/newPassword', 'unchanged', 'must be another one');
    refuseOwnWords(next, account, '/newPassword');
    const passwordHash = await this.hashes.hash(next, party);
    const announce = await this.dataSource.transaction(async (db) => {
      // Unless it has changed since it was compared.
      const { affected } = await db.update(
        Account,
        { id: actor.accountId, passwordHash: before },
        { passwordHash },
      );
      if (affected !== 1)
        throw new Problem('credentials_invalid', { reason: 'it was changed at the same time' });
      // A link that was mailed before would bring back whoever could read the mail then.
      await db.query('DELETE FROM auth.one_time_tokens WHERE account_id = $1', [actor.accountId]);
      await this.mails.notify(db, 'password-changed', account);
      const { accountId, sessionId } = actor;
      await recordAuditEvent(db, { accountId, sessionId, kind: 'password_changed' });
      const ending = { reason: 'password_changed' } as const;
      const announce = await this.sessions.endAllOf(accountId, ending, db, { except: sessionId });
      refuseLateCommit();
      return announce;
    });
    await announce();
    this.outbox.wake();
  }
}

/** The two words that everyone tries who knows the person. */
function refuseOwnWords(password: string, { email, nickname }: Account, pointer: string): void {
  if (isOneOf(password, [email ?? '', nickname])) {
    throw refused(pointer, 'matches_account', 'must not be the e-mail address or the nickname');
  }
}

function refused(pointer: string, code: FieldErrorCode, detail: string): Problem {
  return new Problem('validation_failed', { errors: [{ pointer, code, detail }] });
}
