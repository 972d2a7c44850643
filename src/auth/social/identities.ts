import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import type { Actor } from '../../access/actor.js';
import { isUniqueViolation } from '../../database/unique-violation.js';
import { Problem } from '../../problems/problem.js';
import { Account } from '../account.entity.js';
import { AuditEvents } from '../audit-events.js';
import { Errands } from '../errands.js';
import { guestName } from '../guest-name.js';
import { Identity } from '../identity.entity.js';
import { Letters } from '../letters.js';
import { whoIs, type Decision } from '../linking.js';
import { emailAddress } from '../local/credentials.js';
import { newWayInMail } from '../mails.js';
import { Sessions } from '../sessions/sessions.js';
import { LoginError } from './login-error.js';
import { ProviderGrants } from './provider-grants.js';
import type { SocialLogIn } from './provider.js';
import type { SocialProfile } from './social-profile.js';

/** Two log-ins at one moment may run into each other at a unique index; whoever comes second then finds what the first made. */
const ATTEMPTS = 4;

/** The identities that people log in with, and the accounts behind them. */
@Injectable()
export class Identities {
  constructor(
    private readonly dataSource: DataSource,
    private readonly grants: ProviderGrants,
    private readonly errands: Errands,
    private readonly sessions: Sessions,
    private readonly letters: Letters,
    private readonly audit: AuditEvents,
  ) {}

  /**
   * The account of the person whom a provider vouches for, opened or linked now where linking.ts says so; `actor` is who
   * asked to link.
   * @throws {LoginError} `account_link_required`, `identity_taken`.
   */
  async accountOf(logIn: SocialLogIn, providerName: string, actor?: string): Promise<Account> {
    for (let attempt = 1; ; attempt++) {
      try {
        const { decision, account } = await this.dataSource.transaction((db) =>
          this.decide(db, logIn, actor),
        );
        this.tell(decision, account, logIn.profile, providerName);
        return account;
      } catch (error) {
        if (!isUniqueViolation(error) || attempt === ATTEMPTS) throw error;
      }
    }
  }

  /** The ways in that an actor has besides the password. */
  async of(actor: Actor): Promise<Identity[]> {
    return this.dataSource.manager.find(Identity, {
      where: { accountId: actor.accountId },
      order: { linkedAt: 'ASC' },
    });
  }

  /**
   * Takes a way in from the actor, and ends the connection at the provider.
   * @throws {Problem} `not_found`, or `last_login_method` when there is no other.
   */
  async unlink(actor: Actor, provider: string): Promise<void> {
    const { accountId } = actor;
    await this.dataSource.transaction(async (db) => {
      const account = await db.findOneOrFail(Account, {
        where: { id: accountId },
        lock: { mode: 'pessimistic_write' },
      });
      const identities = await db.findBy(Identity, { accountId });
      const identity = identities.find((each) => each.provider === provider);
      if (identity === undefined) throw new Problem('not_found', { reason: 'there is no such identity' });
      if (identities.length === 1 && !hasPassword(account)) throw new Problem('last_login_method');
      await db.delete(Identity, { provider, subject: identity.subject });
      await this.errands.add(db, {
        kind: 'unlink',
        accountId,
        provider,
        subject: identity.subject,
        grantJwe: identity.grantJwe,
      });
    });
    void this.errands.hurry();
    this.audit.record({ accountId, kind: 'identity_unlinked', details: { provider, by: 'person' } });
  }

  /** The provider says that the person has ended the connection there: they are out, and this is no way in any more. */
  async disconnected(provider: string, subject: string): Promise<void> {
    const ended = await this.dataSource.transaction(async (db) => {
      const identity = await db.findOneBy(Identity, { provider, subject });
      if (identity === null) return undefined;
      const { accountId } = identity;
      await db.delete(Identity, { provider, subject: identity.subject });
      return { accountId, announce: await this.sessions.endAllOf(accountId, 'unlinked_at_provider', db) };
    });
    if (ended === undefined) return;
    await ended.announce();
    const { accountId } = ended;
    this.audit.record({ accountId, kind: 'identity_unlinked', details: { provider, by: 'provider' } });
  }

  private async decide(
    db: EntityManager,
    { profile, grant }: SocialLogIn,
    actor: string | undefined,
  ): Promise<{ decision: Decision; account: Account }> {
    const { provider, subject } = profile;
    const known = await db.findOneBy(Identity, { provider, subject });
    const email = emailAddress.safeParse(profile.email).data;
    const holder =
      email === undefined
        ? null
        : await db.findOne(Account, { where: { email }, lock: { mode: 'pessimistic_write' } });
    const candidate = actor ?? holder?.id;
    const decision = whoIs({
      profile,
      owner: known?.accountId,
      holder:
        holder === null ? undefined : { accountId: holder.id, verified: holder.emailVerifiedAt !== null },
      actor,
      occupied: candidate !== undefined && (await db.existsBy(Identity, { accountId: candidate, provider })),
    });
    if (decision.act === 'refuse') {
      throw new LoginError(decision.why, { reason: `by linking.ts, for an identity of ${provider}` });
    }
    const accountId = decision.act === 'open_account' ? uuidv7() : decision.accountId;
    const person = {
      nickname: profile.nickname ?? guestName(accountId),
      avatarUrl: profile.avatarUrl ?? null,
    };
    const verifiedEmail = { email, emailVerifiedAt: () => 'now()' };
    if (decision.act === 'open_account') {
      await db.insert(Account, { id: accountId, ...person, ...(decision.withEmail && verifiedEmail) });
    }
    if (decision.act === 'take_over') {
      await db.update(Account, { id: accountId }, { ...person, ...verifiedEmail, passwordHash: null });
      await db.query('DELETE FROM auth.one_time_tokens WHERE account_id = $1', [accountId]);
    }
    const says = { email: profile.email ?? null, emailVerification: profile.emailVerification };
    const grantJwe = await this.grants.seal(grant, known?.grantJwe ?? null);
    // The address is a hint for the person's own list of identities, so it follows what the provider says.
    if (known === null) await db.insert(Identity, { provider, subject, accountId, ...says, grantJwe });
    else if (
      known.email !== says.email ||
      known.emailVerification !== says.emailVerification ||
      grantJwe !== known.grantJwe
    ) {
      await db.update(Identity, { provider, subject }, { ...says, grantJwe });
    }
    return { decision, account: await db.findOneByOrFail(Account, { id: accountId }) };
  }

  private tell({ act }: Decision, account: Account, { provider }: SocialProfile, name: string): void {
    if (act === 'log_in') return;
    const kind = act === 'open_account' ? 'account_opened' : 'identity_linked';
    this.audit.record({ accountId: account.id, kind, details: { provider } });
    if (act === 'link') {
      this.letters.tell('new-way-in', account, (to, locale, page) => newWayInMail(to, locale, name, page));
    }
  }
}

/** Whether someone can come in with an address and a password. */
export function hasPassword({ passwordHash, emailVerifiedAt }: Account): boolean {
  return passwordHash !== null && emailVerifiedAt !== null;
}
