import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource, LessThan, type EntityManager } from 'typeorm';
import type { Actor } from '../../access/actor.js';
import { isUniqueViolation } from '../../database/unique-violation.js';
import { refuseLateCommit } from '../../http/request-budget.js';
import { Outbox } from '../../outbox/outbox.js';
import { Problem } from '../../problems/problem.js';
import { emailAddress } from '../../text/email-address.js';
import type { Account } from '../accounts/account.entity.js';
import { Accounts } from '../accounts/accounts.js';
import { recordAuditEvent } from '../audit/audit-log.js';
import { guestName } from '../accounts/guest-name.js';
import { Identity } from './identity.entity.js';
import { OneTimeTokens } from '../local/one-time-tokens.js';
import { AccountMails } from '../account-mails/account-mails.js';
import { decideLinking, type LinkingDecision } from './account-linking.js';
import { Reauthentication } from '../reauthentication/reauthentication.js';
import { Sessions } from '../sessions/sessions.js';
import { LoginError } from './login-error.js';
import { ProviderGrants } from './provider-grants.js';
import type { SocialLogin } from './provider.js';
import { Providers } from './providers.js';

/** Two log-ins at one moment may run into each other at a unique index; whoever comes second then finds what the first made. */
const MAX_ATTEMPTS = 4;

/** Who is logged in, and asked to link. */
export type Linker = Pick<Actor, 'accountId' | 'sessionId'>;

/** The identities that people log in with, and the accounts behind them. */
@Injectable()
export class Identities {
  constructor(
    private readonly dataSource: DataSource,
    private readonly accounts: Accounts,
    private readonly tokens: OneTimeTokens,
    private readonly providers: Providers,
    private readonly grants: ProviderGrants,
    private readonly outbox: Outbox,
    private readonly sessions: Sessions,
    private readonly reauthentication: Reauthentication,
    private readonly mails: AccountMails,
  ) {}

  /**
   * The account of the person whom a provider vouches for, opened or linked now where linking.ts says so; `actor` is who
   * asked to link.
   * @throws {LoginError} `account_link_required`, `identity_taken`, and for an actor who is gone `login_attempt_invalid`.
   * @throws {Problem} `account_disabled`, for an actor.
   */
  async findOrOpenAccount(logIn: SocialLogin, providerName: string, actor?: Linker): Promise<Account> {
    for (let attempt = 1; ; attempt++) {
      try {
        const { decision, account } = await this.dataSource.transaction((db) =>
          this.decide(db, logIn, providerName, actor),
        );
        if (decision.act === 'link') this.outbox.wake();
        return account;
      } catch (error) {
        if (!isUniqueViolation(error) || attempt === MAX_ATTEMPTS) throw error;
      }
    }
  }

  /** The ways in that an actor has besides the password. */
  async list(actor: Actor): Promise<Identity[]> {
    return this.dataSource.manager.find(Identity, {
      where: { accountId: actor.accountId },
      order: { linkedAt: 'ASC' },
    });
  }

  /**
   * Takes a way in from the actor, and ends the connection at the provider. Who came in by it is out: all sessions that
   * were opened with the provider end, but for the actor's own.
   * @throws {Problem} as {@link Reauthentication} does, `not_found`, or `last_login_method` when there is no other.
   */
  async unlink(actor: Actor, provider: string, password: string | undefined, address: string): Promise<void> {
    const { accountId } = actor;
    const compared = await this.reauthentication.comparePassword(actor, password, address);
    const announce = await this.dataSource.transaction(async (db) => {
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
      const announce = await this.sessions.endAllOf(accountId, { reason: 'unlinked' }, db, which);
      refuseLateCommit();
      return announce;
    });
    await announce();
    this.outbox.wake();
  }

  /**
   * The provider says that the person has ended the connection there: they are out, and this is no way in any more. A
   * notice of before (s since 1970) the identity was linked is about an older connection, or is played again.
   */
  async unlinkedAtProvider(provider: string, subject: string, toldAt?: number): Promise<void> {
    const announce = await this.dataSource.transaction(async (db) => {
      const identity = await db.findOneBy(Identity, { provider, subject });
      if (identity === null) return undefined;
      const { accountId } = identity;
      await this.accounts.lock(db, accountId);
      const { affected } = await db.delete(Identity, {
        provider,
        subject,
        accountId,
        // Notices know whole seconds.
        ...(toldAt !== undefined && { linkedAt: LessThan(new Date((toldAt + 1) * 1000)) }),
      });
      if (affected !== 1) return undefined;
      await recordAuditEvent(db, {
        accountId,
        kind: 'identity_unlinked',
        details: { provider, by: 'provider' },
      });
      return this.sessions.endAllOf(accountId, { reason: 'unlinked_at_provider' }, db);
    });
    await announce?.();
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

  private async decide(
    db: EntityManager,
    { profile, grant }: SocialLogin,
    providerName: string,
    actor: Linker | undefined,
  ): Promise<{ decision: LinkingDecision; account: Account }> {
    const { provider, subject } = profile;
    // The decision gets no address that could not be registered here, whatever a provider's mapping lets through.
    const email = emailAddress.safeParse(profile.email).data;
    const asking = actor && (await this.lockActor(db, actor));
    const holder =
      email === undefined || asking !== undefined ? null : await this.accounts.lockByEmail(db, email);
    const candidate = asking ?? holder;
    // Only now: a log-in beside this one may have linked the identity while this one waited for the account.
    const known = await db.findOneBy(Identity, { provider, subject });
    const decision = decideLinking({
      profile: { ...profile, email },
      owner: known?.accountId,
      holder:
        holder === null ? undefined : { accountId: holder.id, verified: holder.emailVerifiedAt !== null },
      actor: asking?.id,
      providerAlreadyLinked:
        candidate !== null && (await db.existsBy(Identity, { accountId: candidate.id, provider })),
    });
    if (decision.act === 'refuse') {
      throw new LoginError(decision.why, { reason: `by linking.ts, for an identity of ${provider}` });
    }
    // Not a UUIDv7, which would tell everyone the time of registration.
    const accountId = decision.act === 'open_account' ? randomUUID() : decision.accountId;
    const person = {
      id: accountId,
      nickname: profile.nickname ?? guestName(accountId),
      avatarUrl: profile.avatarUrl ?? null,
    };
    if (decision.act === 'open_account') {
      await this.accounts.open(db, { ...person, email: decision.withEmail ? email : undefined });
    }
    if (decision.act === 'take_over') {
      await this.accounts.takeOver(db, { ...person, email });
      await this.tokens.withdraw(db, accountId);
      await recordAuditEvent(db, { accountId, kind: 'email_verified' });
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
    const account = await this.accounts.get(accountId, db);
    if (decision.act === 'link')
      await this.mails.notify(db, 'new-way-in', account, { provider: providerName });
    if (decision.act !== 'log_in') {
      const kind = decision.act === 'open_account' ? 'account_opened' : 'identity_linked';
      await recordAuditEvent(db, { accountId, kind, details: { provider } });
    }
    return { decision, account };
  }

  /** Who asked to link has to be logged in still, by the row: access tokens and what is remembered of them end sooner. */
  private async lockActor(db: EntityManager, { accountId, sessionId }: Linker): Promise<Account> {
    const account = await this.accounts.lock(db, accountId);
    if (account === null || !(await this.sessions.isLiving(db, sessionId)))
      throw new LoginError('login_attempt_invalid', { reason: 'who asked to link has logged out meanwhile' });
    if (account.status !== 'active') throw new Problem('account_disabled');
    return account;
  }

  /** Whether one can log in with it here: its provider may have been switched off. */
  private isEnabled({ provider }: Identity): boolean {
    return this.providers.find(provider) !== undefined;
  }
}

/** Whether someone can come in with an address and a password. */
export function hasPassword({ passwordHash, emailVerifiedAt }: Account): boolean {
  return passwordHash !== null && emailVerifiedAt !== null;
}
