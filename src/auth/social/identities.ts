import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { Account } from '../account.entity.js';
import { Identity } from '../identity.entity.js';
import { whoIs, type NewAccount } from '../linking.js';
import type { SocialProfile } from './social-profile.js';

/**
 * Account and identity in one statement, hence both or neither. Of two first log-ins at the same moment the second waits
 * for the first at the primary key, inserts nothing, and so makes no account either; the foreign key is checked at the end.
 */
const OPEN_ACCOUNT = `
  WITH new_identity AS (
    INSERT INTO auth.identities (provider, subject, account_id, email, email_verification)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT DO NOTHING
    RETURNING account_id
  )
  INSERT INTO auth.accounts (id, nickname, avatar_url)
  SELECT account_id, $6, $7 FROM new_identity`;

/** The identities that people log in with, and the accounts behind them. */
@Injectable()
export class Identities {
  constructor(private readonly dataSource: DataSource) {}

  /** The account of the person whom a provider vouches for, opened now if it is their first time. */
  async accountOf(profile: SocialProfile): Promise<Account> {
    const { provider, subject } = profile;
    const known = await this.dataSource.manager.findOneBy(Identity, { provider, subject });
    const decision = whoIs(profile, known ?? undefined, uuidv7());
    if (decision.act === 'open_account') return this.open(profile, decision.account);
    await this.remember(profile, known);
    return this.dataSource.manager.findOneByOrFail(Account, { id: decision.accountId });
  }

  private async open(profile: SocialProfile, account: NewAccount): Promise<Account> {
    const { provider, subject, email, emailVerification } = profile;
    const hint = [email ?? null, emailVerification];
    const { id, nickname, avatarUrl } = account;
    await this.dataSource.query(OPEN_ACCOUNT, [provider, subject, id, ...hint, nickname, avatarUrl]);
    // Ours, or that of the log-in that was faster.
    const { accountId } = await this.dataSource.manager.findOneByOrFail(Identity, { provider, subject });
    return this.dataSource.manager.findOneByOrFail(Account, { id: accountId });
  }

  /** The address is a hint for the person's own list of identities, so it follows what the provider says. */
  private async remember(profile: SocialProfile, known: Identity | null): Promise<void> {
    const { provider, subject, email = null, emailVerification } = profile;
    if (known?.email === email && known.emailVerification === emailVerification) return;
    await this.dataSource.manager.update(Identity, { provider, subject }, { email, emailVerification });
  }
}
