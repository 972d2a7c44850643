import { Injectable } from '@nestjs/common';
import { DataSource, LessThan, type EntityManager } from 'typeorm';
import type { Actor } from '../../access/actor.js';
import { refuseLateCommit } from '../../http/request-budget.js';
import { Outbox } from '../../outbox/outbox.js';
import { Problem } from '../../problems/problem.js';
import type { Account } from '../accounts/account.entity.js';
import { Accounts } from '../accounts/accounts.js';
import { recordAuditEvent } from '../audit/audit-log.js';
import { Identity } from './identity.entity.js';
import { Reauthentication } from '../reauthentication/reauthentication.js';
import { Sessions } from '../sessions/sessions.js';
import { Providers } from './providers.js';

/** Identities of accounts: lists and unlinks them. */
@Injectable()
export class Identities {
  constructor(
    private readonly dataSource: DataSource,
    private readonly accounts: Accounts,
    private readonly providers: Providers,
    private readonly outbox: Outbox,
    private readonly sessions: Sessions,
    private readonly reauthentication: Reauthentication,
  ) {}

  /** Returns the identities of the actor, oldest first. */
  async list(actor: Actor): Promise<Identity[]> {
    return this.dataSource.manager.find(Identity, {
      where: { accountId: actor.accountId },
      order: { linkedAt: 'ASC' },
    });
  }

  /**
   * Unlinks an identity of the actor, and ends the connection at the provider. Ends all sessions that were opened with the
   * provider, except the actor's own.
   * @throws {Problem} as {@link Reauthentication}, `not_found`, or `last_login_method` where it is the last one.
   */
  async unlink(actor: Actor, provider: string, password: string | undefined, address: string): Promise<void> {
    const { accountId } = actor;
    const compared = await this.reauthentication.comparePassword(actor, password, address);
    const publishEnded = await this.dataSource.transaction(async (db) => {
      const account = await this.accounts.lock(db, accountId);
      if (account === null) throw new Error('the account does not exist');
      await this.reauthentication.require(db, actor, account, compared);
      const identities = await db.findBy(Identity, { accountId });
      const identity = identities.find((each) => each.provider === provider);
      if (identity === undefined) throw new Problem('not_found', { reason: 'there is no such identity' });
      const others = identities.filter((each) => each !== identity && this.isEnabled(each));
      if (others.length === 0 && !hasPassword(account)) throw new Problem('last_login_method');
      await this.remove(db, identity);
      const which = { except: actor.sessionId, method: provider };
      await recordAuditEvent(db, {
        accountId,
        kind: 'identity_unlinked',
        details: { provider, by: 'person' },
      });
      const publishEnded = await this.sessions.endAllOf(accountId, { reason: 'unlinked' }, db, which);
      refuseLateCommit();
      return publishEnded;
    });
    await publishEnded();
    this.outbox.wake();
  }

  /**
   * Unlinks an identity and ends all sessions of its account, because the user has ended the connection at the provider. A notice
   * from before the identity was linked is ignored: it is about an older connection, or is a replay.
   * @param sentAt time of the notice, in seconds since 1970.
   */
  async unlinkedAtProvider(provider: string, subject: string, sentAt?: number): Promise<void> {
    const publishEnded = await this.dataSource.transaction(async (db) => {
      const identity = await db.findOneBy(Identity, { provider, subject });
      if (identity === null) return undefined;
      const { accountId } = identity;
      await this.accounts.lock(db, accountId);
      const { affected } = await db.delete(Identity, {
        provider,
        subject,
        accountId,
        // Times of notices are whole seconds.
        ...(sentAt !== undefined && { linkedAt: LessThan(new Date((sentAt + 1) * 1000)) }),
      });
      if (affected !== 1) return undefined;
      await recordAuditEvent(db, {
        accountId,
        kind: 'identity_unlinked',
        details: { provider, by: 'provider' },
      });
      return this.sessions.endAllOf(accountId, { reason: 'unlinked_at_provider' }, db);
    });
    await publishEnded?.();
  }

  /** Deletes the identities of an account and adds a message for each that unlinks it, in the caller's transaction. */
  async unlinkAll(db: EntityManager, accountId: string): Promise<void> {
    for (const identity of await db.findBy(Identity, { accountId })) await this.remove(db, identity);
  }

  private async remove(
    db: EntityManager,
    { provider, subject, accountId, grantJwe }: Identity,
  ): Promise<void> {
    await db.delete(Identity, { provider, subject });
    await this.outbox.add(db, 'provider.unlink', { accountId, provider, subject, grantJwe });
  }

  private isEnabled({ provider }: Identity): boolean {
    return this.providers.find(provider) !== undefined;
  }
}

/** True where the account can log in with an address and a password. */
export function hasPassword({ passwordHash, emailVerifiedAt }: Account): boolean {
  return passwordHash !== null && emailVerifiedAt !== null;
}
