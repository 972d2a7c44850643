import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Actor } from '../../access/actor.js';
import { isUniqueViolation } from '../../database/unique-violation.js';
import { Outbox } from '../../outbox/outbox.js';
import { Problem } from '../../problems/problem.js';
import { emailAddress } from '../../text/email-address.js';
import { AccountMails } from '../account-mails/account-mails.js';
import type { Account } from '../accounts/account.entity.js';
import { Accounts } from '../accounts/accounts.js';
import { guestName } from '../accounts/guest-name.js';
import { recordAuditEvent } from '../audit/audit-log.js';
import { OneTimeTokens } from '../local/one-time-tokens.js';
import { Sessions } from '../sessions/sessions.js';
import { decideLinking, type LinkingDecision } from './account-linking.js';
import { Identity } from './identity.entity.js';
import { LoginError } from './login-error.js';
import { ProviderGrants } from './provider-grants.js';
import type { SocialLogin } from './provider.js';

/** Attempts of a transaction. Of two concurrent logins, the second may violate a unique index, and then finds the rows of the first. */
const MAX_ATTEMPTS = 4;

/** Account and session of the user who has asked to link an identity. */
type Linker = Pick<Actor, 'accountId' | 'sessionId'>;

/** Accounts behind social logins: finds, opens and links them, as {@link decideLinking} decides. */
@Injectable()
export class SocialAccounts {
  constructor(
    private readonly dataSource: DataSource,
    private readonly accounts: Accounts,
    private readonly tokens: OneTimeTokens,
    private readonly grants: ProviderGrants,
    private readonly outbox: Outbox,
    private readonly sessions: Sessions,
    private readonly mails: AccountMails,
  ) {}

  /**
   * Returns the account of the user whom a provider has identified; opens or links it where necessary.
   * @param linker set where a logged-in user has asked to link the identity.
   * @throws {LoginError} `account_link_required`, `identity_taken`, and `login_attempt_invalid` for a linker who has logged out.
   * @throws {Problem} `account_disabled`, for a linker.
   */
  async findOrOpenAccount(login: SocialLogin, providerName: string, linker?: Linker): Promise<Account> {
    for (let attempt = 1; ; attempt++) {
      try {
        const { decision, account } = await this.dataSource.transaction((db) =>
          this.findOrOpen(db, login, providerName, linker),
        );
        if (decision.act === 'link') this.outbox.wake();
        return account;
      } catch (error) {
        if (!isUniqueViolation(error) || attempt === MAX_ATTEMPTS) throw error;
      }
    }
  }

  private async findOrOpen(
    db: EntityManager,
    { profile, grant }: SocialLogin,
    providerName: string,
    linker: Linker | undefined,
  ): Promise<{ decision: LinkingDecision; account: Account }> {
    const { provider, subject } = profile;
    // An address that could not be registered here is left out of the decision.
    const email = emailAddress.safeParse(profile.email).data;
    const linkingAccount = linker && (await this.lockLinker(db, linker));
    const holder =
      email === undefined || linkingAccount !== undefined ? null : await this.accounts.lockByEmail(db, email);
    const candidate = linkingAccount ?? holder;
    // Read after the lock: a concurrent login may have linked the identity meanwhile.
    const existing = await db.findOneBy(Identity, { provider, subject });
    const decision = decideLinking({
      profile: { ...profile, email },
      owner: existing?.accountId,
      holder:
        holder === null ? undefined : { accountId: holder.id, verified: holder.emailVerifiedAt !== null },
      actor: linkingAccount?.id,
      providerAlreadyLinked:
        candidate !== null && (await db.existsBy(Identity, { accountId: candidate.id, provider })),
    });
    if (decision.act === 'refuse') {
      throw new LoginError(decision.why, { reason: `by account-linking.ts, for an identity of ${provider}` });
    }
    // Not a UUIDv7, because account ids are public, and a UUIDv7 contains the time of registration.
    const accountId = decision.act === 'open_account' ? randomUUID() : decision.accountId;
    const profileColumns = {
      id: accountId,
      nickname: profile.nickname ?? guestName(accountId),
      avatarUrl: profile.avatarUrl ?? null,
    };
    if (decision.act === 'open_account') {
      await this.accounts.open(db, { ...profileColumns, email: decision.withEmail ? email : undefined });
    }
    if (decision.act === 'take_over') {
      await this.accounts.takeOver(db, { ...profileColumns, email });
      await this.tokens.withdraw(db, accountId);
      await recordAuditEvent(db, { accountId, kind: 'email_verified' });
    }
    const hints = { email: profile.email ?? null, emailVerification: profile.emailVerification };
    const grantJwe = await this.grants.seal(grant, existing?.grantJwe ?? null);
    // The address is shown in the user's list of identities, and follows the profile at the provider.
    if (existing === null) await db.insert(Identity, { provider, subject, accountId, ...hints, grantJwe });
    else if (
      existing.email !== hints.email ||
      existing.emailVerification !== hints.emailVerification ||
      grantJwe !== existing.grantJwe
    ) {
      await db.update(Identity, { provider, subject }, { ...hints, grantJwe });
    }
    const account = await this.accounts.get(accountId, db);
    if (decision.act === 'link')
      await this.mails.notify(db, 'identity-linked', account, { provider: providerName });
    if (decision.act !== 'log_in') {
      const kind = decision.act === 'open_account' ? 'account_opened' : 'identity_linked';
      await recordAuditEvent(db, { accountId, kind, details: { provider } });
    }
    return { decision, account };
  }

  /** Locks the account of the linker, whose session must still exist in the database: its access token may be older. */
  private async lockLinker(db: EntityManager, { accountId, sessionId }: Linker): Promise<Account> {
    const account = await this.accounts.lock(db, accountId);
    if (account === null || !(await this.sessions.isLiving(db, sessionId)))
      throw new LoginError('login_attempt_invalid', {
        reason: 'the user who asked to link has logged out meanwhile',
      });
    if (account.status !== 'active') throw new Problem('account_disabled');
    return account;
  }
}
