import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { IsNull, type EntityManager, type Repository } from 'typeorm';
import { BATCH, type Batches } from '../../database/batches.js';
import { Account } from './account.entity.js';
import { guestName } from './guest-name.js';

/** Days for which a registration waits for its address to be verified. */
const REGISTRATION_DAYS = 7;
const DAY_MS = 86_400_000;
/** Deleted accounts are kept for this long: every access token and cached session of theirs has expired by then. */
const DELETED_RETENTION = '30 days';

/** Returns whether the last registration of the account's address is recent enough to be verified. */
export function hasRecentRegistration({ registeredAt, createdAt }: Account): boolean {
  return Date.now() - (registeredAt ?? createdAt).getTime() < REGISTRATION_DAYS * DAY_MS;
}

/** State of an account after a registration of its address. */
interface RegisteredAccount {
  readonly accountId: string;
  readonly verified: boolean;
  readonly hasSeveralRegistrations: boolean;
}

/** Accounts in `auth.accounts`. Every statement that changes them is here or in admin-commands.ts. */
@Injectable()
export class Accounts {
  constructor(@InjectRepository(Account) private readonly accounts: Repository<Account>) {}

  /** Returns an account that exists. @throws {EntityNotFoundError} */
  get(id: string, db: EntityManager = this.accounts.manager): Promise<Account> {
    return db.findOneByOrFail(Account, { id });
  }

  /** Returns the account of an address, verified or not. */
  findByEmail(email: string): Promise<Account | null> {
    return this.accounts.findOneBy({ email });
  }

  /**
   * Locks an account and returns its latest state. `for_no_key_update` lets other transactions insert rows that refer to the
   * account.
   */
  lock(
    db: EntityManager,
    id: string,
    mode: 'pessimistic_write' | 'for_no_key_update' = 'pessimistic_write',
  ): Promise<Account | null> {
    return db.findOne(Account, { where: { id }, lock: { mode } });
  }

  /** Locks the account of an address and returns its latest state. */
  lockByEmail(db: EntityManager, email: string): Promise<Account | null> {
    return db.findOne(Account, { where: { email }, lock: { mode: 'pessimistic_write' } });
  }

  /**
   * Records a registration of an address. An unverified account keeps the password that was registered last, for
   * `email_not_verified`, and gets a generated nickname from the second registration on. A verified account keeps the
   * password of the registration apart from its own.
   */
  async register(email: string, passwordHash: string, nickname: string): Promise<RegisteredAccount> {
    // Not a UUIDv7, which would publish the time of registration.
    const id = randomUUID();
    const [account] = await this.accounts.query<RegisteredAccount[]>(
      `INSERT INTO auth.accounts AS existing (id, email, password_hash, nickname, registered_at)
       VALUES ($1, $2, $3, $4, now())
       ON CONFLICT (email) DO UPDATE SET
         registered_at = now(),
         registration_hash = CASE WHEN existing.email_verified_at IS NOT NULL THEN excluded.password_hash END,
         password_hash = CASE WHEN existing.email_verified_at IS NULL THEN excluded.password_hash ELSE existing.password_hash END,
         nickname = CASE WHEN existing.email_verified_at IS NULL THEN $5 ELSE existing.nickname END,
         has_several_registrations = existing.email_verified_at IS NULL
       RETURNING id AS "accountId", email_verified_at IS NOT NULL AS verified, has_several_registrations AS "hasSeveralRegistrations"`,
      [id, email, passwordHash, nickname, guestName(id)],
    );
    if (account === undefined) throw new Error('the account was not recorded');
    return account;
  }

  /** Inserts an account. An `email` of its own counts as verified now. */
  async open(
    db: EntityManager,
    { email, ...account }: Pick<Account, 'id' | 'nickname' | 'avatarUrl'> & { readonly email?: string },
  ): Promise<void> {
    await db.insert(Account, {
      ...account,
      ...(email !== undefined && { email, emailVerifiedAt: () => 'now()' }),
    });
  }

  /** Gives an unverified account to the owner of its address: the password of the registration is deleted. */
  async takeOver(
    db: EntityManager,
    { id, ...owner }: Pick<Account, 'id' | 'nickname' | 'avatarUrl'> & { readonly email: string | undefined },
  ): Promise<void> {
    await db.update(Account, { id }, { ...owner, emailVerifiedAt: () => 'now()', passwordHash: null });
  }

  /**
   * Verifies the address, with the password and the nickname of the registration; a nickname of null changes nothing. Returns
   * false where the address was verified before.
   */
  async verifyEmail(
    db: EntityManager,
    id: string,
    { passwordHash, nickname }: { readonly passwordHash: string | null; readonly nickname: string | null },
  ): Promise<boolean> {
    const { affected } = await db.update(
      Account,
      { id, emailVerifiedAt: IsNull() },
      { emailVerifiedAt: () => 'now()', passwordHash, nickname: nickname ?? undefined },
    );
    return affected === 1;
  }

  /** Sets a password by a mailed link, which also verifies the address. */
  async resetPassword(db: EntityManager, id: string, passwordHash: string): Promise<void> {
    const emailVerifiedAt = () => 'coalesce(email_verified_at, now())';
    await db.update(Account, { id }, { passwordHash, emailVerifiedAt });
  }

  /** Replaces a password hash. Returns false where the account has another one than `previous`. */
  async replacePasswordHash(
    id: string,
    previous: string,
    passwordHash: string,
    db: EntityManager = this.accounts.manager,
  ): Promise<boolean> {
    const { affected } = await db.update(Account, { id, passwordHash: previous }, { passwordHash });
    return affected === 1;
  }

  /** Marks an account as deleted and erases its personal data. The id is left until {@link prune}. */
  async erase(db: EntityManager, id: string): Promise<void> {
    await db.update(
      Account,
      { id },
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
  }

  /**
   * Deletes accounts that were deleted a month ago or whose address was not verified in time, and erases the password hashes of
   * old registrations of verified addresses.
   */
  async prune(batches: Batches): Promise<void> {
    await batches.remove(
      'auth.accounts',
      `status = 'deleted' AND changed_at < now() - interval '${DELETED_RETENTION}'`,
    );
    await batches.remove(
      'auth.accounts',
      `email IS NOT NULL AND email_verified_at IS NULL
       AND coalesce(registered_at, created_at) < now() - interval '${REGISTRATION_DAYS} days'
       AND NOT EXISTS (SELECT FROM auth.identities WHERE account_id = accounts.id)
       AND NOT EXISTS (SELECT FROM auth.one_time_tokens WHERE account_id = accounts.id)`,
    );
    await batches.run(
      `WITH changed AS (
         UPDATE auth.accounts SET registration_hash = NULL, registered_at = NULL WHERE id IN (
           SELECT id FROM auth.accounts
           WHERE registration_hash IS NOT NULL AND registered_at < now() - interval '${REGISTRATION_DAYS} days'
           LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
         ) RETURNING 1
       )`,
    );
  }
}
