import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Actor } from '../../access/actor.js';
import type { Mail } from '../../mail/mailer.js';
import { refuseLateCommit } from '../../http/request-budget.js';
import { Outbox } from '../../outbox/outbox.js';
import type { FieldErrorCode } from '../../problems/field-errors.js';
import { Problem } from '../../problems/problem.js';
import { routedNetworkOf } from '../../rate-limits/client-address.js';
import type { Account } from '../accounts/account.entity.js';
import { Accounts } from '../accounts/accounts.js';
import { recordAuditEvent } from '../audit/audit-log.js';
import { AccountMails } from '../account-mails/account-mails.js';
import { LoginRateLimits } from '../rate-limits/login-rate-limits.js';
import { resetPasswordMail } from '../account-mails/templates.js';
import { Sessions } from '../sessions/sessions.js';
import { normalizePassword } from '../../text/password.js';
import { OneTimeTokens } from './one-time-tokens.js';
import { isOneOf } from './own-words.js';
import { PasswordHashes } from './password-hashes.js';

/** Reset of a password by a mailed link, and change of a known password. */
@Injectable()
export class Passwords implements OnModuleInit {
  constructor(
    private readonly accounts: Accounts,
    private readonly dataSource: DataSource,
    private readonly limits: LoginRateLimits,
    private readonly hashes: PasswordHashes,
    private readonly tokens: OneTimeTokens,
    private readonly sessions: Sessions,
    private readonly mails: AccountMails,
    private readonly outbox: Outbox,
  ) {}

  onModuleInit(): void {
    this.mails.registerWriter('reset-password', ({ to }) => this.resetMail(to));
  }

  /**
   * Mails a link that resets the password, where the address has an account. The response is the same for every address.
   * @throws {Problem} `too_many_attempts`.
   */
  async requestReset(email: string, address: string): Promise<void> {
    await this.limits.hitRecipient(email, address);
    await this.mails.request({ mail: 'reset-password', to: email }, { name: 'reset-password', address });
  }

  private async resetMail(email: string): Promise<Mail | undefined> {
    const account = await this.accounts.findByEmail(email);
    if (account === null || account.status === 'deleted') return undefined;
    const grant = { accountId: account.id, passwordHash: null, nickname: null };
    const token = await this.tokens.issue('reset-password', grant);
    const link = `${this.mails.page}/#reset-password=${token}`;
    return resetPasswordMail(email, await this.mails.localeOf(account.id), link);
  }

  /**
   * Sets a new password by a mailed link and ends every session of the account. The link also verifies the address.
   * @throws {Problem} `token_invalid`, `validation_failed`.
   */
  async reset(token: string, password: string, address: string): Promise<void> {
    // A forged token must not cost a hash.
    await this.tokens.check('reset-password', token);
    const share = { key: routedNetworkOf(address), reserved: true };
    const passwordHash = await this.hashes.hash(password, share);
    const publishEnded = await this.tokens.redeem('reset-password', token, async ({ accountId }, db) => {
      const owner = await this.accounts.get(accountId, db);
      refuseOwnWords(password, owner, '/password');
      await this.accounts.resetPassword(db, accountId, passwordHash);
      await this.tokens.withdraw(db, accountId);
      await this.mails.notify(db, 'password-changed', {
        id: accountId,
        email: owner.email,
        emailVerifiedAt: owner.emailVerifiedAt ?? new Date(),
      });
      if (owner.emailVerifiedAt === null) await recordAuditEvent(db, { accountId, kind: 'email_verified' });
      await recordAuditEvent(db, { accountId, kind: 'password_reset' });
      return this.sessions.endAllOf(accountId, { reason: 'password_reset' }, db);
    });
    await publishEnded();
    this.outbox.wake();
  }

  /**
   * Changes the password of the actor, who sends the current one, and ends every other session. An equal new password is
   * reported only after the current one fitted.
   * @throws {Problem} `credentials_invalid`, `validation_failed`.
   */
  async change(actor: Actor, current: string, next: string, address: string): Promise<void> {
    const account = await this.accounts.get(actor.accountId);
    const share = { key: routedNetworkOf(address), reserved: true };
    const attempt = await this.limits.beginReauthentication(account.id);
    const before = await attempt.judge(async () => {
      const { passwordHash } = account;
      if (!(await this.hashes.matches(current, passwordHash, share)) || passwordHash === null)
        throw new Problem('credentials_invalid');
      return passwordHash;
    });
    if (next === normalizePassword(current))
      throw refused('/newPassword', 'unchanged', 'must be another one');
    refuseOwnWords(next, account, '/newPassword');
    const passwordHash = await this.hashes.hash(next, share);
    const publishEnded = await this.dataSource.transaction(async (db) => {
      if (!(await this.accounts.replacePasswordHash(account.id, before, passwordHash, db)))
        throw new Problem('credentials_invalid', { reason: 'it was changed at the same time' });
      // A link that was mailed before would let its reader replace the new password.
      await this.tokens.withdraw(db, account.id);
      await this.mails.notify(db, 'password-changed', account);
      const { accountId, sessionId } = actor;
      await recordAuditEvent(db, { accountId, sessionId, kind: 'password_changed' });
      const ending = { reason: 'password_changed' } as const;
      const publishEnded = await this.sessions.endAllOf(accountId, ending, db, { except: sessionId });
      refuseLateCommit();
      return publishEnded;
    });
    await publishEnded();
    this.outbox.wake();
  }
}

/** Throws for a password that equals the account's address or nickname. */
function refuseOwnWords(password: string, { email, nickname }: Account, pointer: string): void {
  if (isOneOf(password, [email ?? '', nickname])) {
    throw refused(pointer, 'matches_account', 'must not be the e-mail address or the nickname');
  }
}

function refused(pointer: string, code: FieldErrorCode, detail: string): Problem {
  return new Problem('validation_failed', { errors: [{ pointer, code, detail }] });
}
