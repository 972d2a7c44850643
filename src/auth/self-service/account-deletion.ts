import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Actor } from '../../access/actor.js';
import { refuseLateCommit } from '../../http/request-budget.js';
import { Account } from '../accounts/account.entity.js';
import { Outbox } from '../../outbox/outbox.js';
import { recordAuditEvent } from '../audit/audit-log.js';
import { Identity } from '../social/identity.entity.js';
import { AccountMails } from '../account-mails/account-mails.js';
import { Reauthentication } from '../reauthentication/reauthentication.js';
import { Sessions } from '../sessions/sessions.js';

/** How people leave for good. */
@Injectable()
export class AccountDeletion {
  constructor(
    private readonly dataSource: DataSource,
    private readonly reauthentication: Reauthentication,
    private readonly sessions: Sessions,
    private readonly outbox: Outbox,
    private readonly letters: AccountMails,
  ) {}

  /**
   * Deletes the actor's account: sessions, address, password and identities at once; the profile and the connections at
   * the providers as soon as those can be reached. What is left is the id, until everyone has heard of it.
   * @throws {Problem} `reauthentication_required` unless the password comes along or the log-in is recent,
   *   `credentials_invalid` for a wrong password.
   */
  async delete(actor: Actor, password: string | undefined, address: string): Promise<void> {
    const { accountId } = actor;
    // The profile, which knows it, will be gone by the time the mail is written.
    const locale = await this.letters.localeOf(accountId);
    const compared = await this.reauthentication.comparePassword(actor, password, address);
    const announce = await this.dataSource.transaction(async (db) => {
      const owner = await db.findOneOrFail(Account, {
        where: { id: accountId },
        lock: { mode: 'pessimistic_write' },
      });
      await this.reauthentication.require(db, actor, owner, compared);
      for (const { provider, subject, grantJwe } of await db.findBy(Identity, { accountId })) {
        await this.outbox.add(db, 'provider.unlink', { accountId, provider, subject, grantJwe });
      }
      await this.outbox.add(db, 'account.deleted', { accountId });
      await this.letters.notify(db, 'account-deleted', owner, { locale });
      await db.delete(Identity, { accountId });
      await db.query('DELETE FROM auth.one_time_tokens WHERE account_id = $1', [accountId]);
      await db.update(
        Account,
        { id: accountId },
        {
          status: 'deleted',
          email: null,
          emailVerifiedAt: null,
          passwordHash: null,
          registrationHash: null,
          registeredAt: null,
          nickname: '',
          avatarUrl: null,
          roles: [],
          changedAt: () => 'now()',
        },
      );
      await recordAuditEvent(db, { accountId, kind: 'account_deleted' });
      const announce = await this.sessions.endAllOf(accountId, { reason: 'account_deleted' }, db);
      refuseLateCommit();
      return announce;
    });
    await announce();
    this.outbox.wake();
  }
}
