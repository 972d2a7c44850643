import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Actor } from '../../access/actor.js';
import { refuseLateCommit } from '../../http/request-budget.js';
import { Accounts } from '../accounts/accounts.js';
import { Outbox } from '../../outbox/outbox.js';
import { recordAuditEvent } from '../audit/audit-log.js';
import { OneTimeTokens } from '../local/one-time-tokens.js';
import { Identities } from '../social/identities.js';
import { AccountMails } from '../account-mails/account-mails.js';
import { Reauthentication } from '../reauthentication/reauthentication.js';
import { Sessions } from '../sessions/sessions.js';

/** Deletion of an account by its user. */
@Injectable()
export class AccountDeletion {
  constructor(
    private readonly dataSource: DataSource,
    private readonly accounts: Accounts,
    private readonly reauthentication: Reauthentication,
    private readonly sessions: Sessions,
    private readonly identities: Identities,
    private readonly tokens: OneTimeTokens,
    private readonly outbox: Outbox,
    private readonly mails: AccountMails,
  ) {}

  /**
   * Deletes the actor's account. Sessions, address, password and identities are deleted in one transaction, with messages that
   * delete the profile and unlink the providers. The account's id is left until its retention ends.
   * @throws {Problem} `reauthentication_required` without a password and a recent login, `credentials_invalid` for a wrong
   *   password.
   */
  async delete(actor: Actor, password: string | undefined, address: string): Promise<void> {
    const { accountId } = actor;
    // Kept in the message, because the profile may be deleted before the mail is written.
    const locale = await this.mails.localeOf(accountId);
    const compared = await this.reauthentication.comparePassword(actor, password, address);
    const publishEnded = await this.dataSource.transaction(async (db) => {
      const owner = await this.accounts.lock(db, accountId);
      if (owner === null) throw new Error('the account does not exist');
      await this.reauthentication.require(db, actor, owner, compared);
      await this.identities.unlinkAll(db, accountId);
      await this.outbox.add(db, 'account.deleted', { accountId });
      await this.mails.notify(db, 'account-deleted', owner, { locale });
      await this.tokens.withdraw(db, accountId);
      await this.accounts.erase(db, accountId);
      await recordAuditEvent(db, { accountId, kind: 'account_deleted' });
      const publishEnded = await this.sessions.endAllOf(accountId, { reason: 'account_deleted' }, db);
      refuseLateCommit();
      return publishEnded;
    });
    await publishEnded();
    this.outbox.wake();
  }
}
