import { Injectable, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DataSource, type EntityManager } from 'typeorm';
import { refuseLateCommit } from '../../http/request-budget.js';
import { Outbox } from '../../outbox/outbox.js';
import { Problem } from '../../problems/problem.js';
import { Profiles, type Locale } from '../../users/profiles.js';
import type { Account } from '../accounts/account.entity.js';
import { Accounts } from '../accounts/accounts.js';
import { RefreshCookie } from '../sessions/refresh-cookie.js';
import { Sessions, type OpenedSession } from '../sessions/sessions.js';

/** Proof that the user owns an account. */
export interface LoginProof {
  /** Login method of the session: `password`, `mailed_link`, or a provider's id. */
  readonly method: string;
  /** Returns whether the proof still holds, in the transaction that opens the session. */
  readonly holds: (db: EntityManager, account: Account) => boolean | Promise<boolean>;
  /** Returns the error for a proof that no longer holds. */
  readonly outdated: (reason: string) => Error;
}

/** Called after a login with its reply and the id of the new session. */
type LoginListener = (reply: FastifyReply, sessionId: string) => Promise<void>;

/** The last step of every login: opens a session for an account whose owner the user has proved to be. */
@Injectable()
export class Login {
  private readonly logger = new Logger(Login.name);
  private readonly listeners: LoginListener[] = [];

  constructor(
    private readonly dataSource: DataSource,
    private readonly accounts: Accounts,
    private readonly sessions: Sessions,
    private readonly profiles: Profiles,
    private readonly outbox: Outbox,
    private readonly cookie: RefreshCookie,
  ) {}

  /** Registers a listener, while the application starts. */
  onLogin(listener: LoginListener): void {
    this.listeners.push(listener);
  }

  /** Returns the sessions of the refresh cookies of a request. */
  sessionsIn(request: FastifyRequest): string[] {
    return this.cookie.read(request).flatMap((token) => this.sessions.sessionOf(token) ?? []);
  }

  /**
   * Opens a session and creates the profile. The account may have changed while a password was compared or a provider was
   * called, so the proof is checked again with the account locked. A concurrent change of the password, unlinking or deletion
   * either commits first and fails the proof, or waits for the lock and then ends the new session.
   *
   * Sessions of the refresh cookies of the request end in the same transaction, for any account (ASVS V7.2.4). `replaced` names
   * more of them, for requests to which the browser may not attach those cookies.
   * @throws {Problem} `account_disabled`, `temporarily_unavailable`, and the error of the proof.
   */
  async complete(
    account: Account,
    proof: LoginProof,
    reply: FastifyReply,
    replaced: readonly string[] = [],
  ): Promise<OpenedSession> {
    const { request } = reply;
    if (account.status !== 'active') throw new Problem('account_disabled');
    const { ip, headers } = request;
    await this.ensureProfile(account, localeIn(headers['accept-language']));
    const replaces = [...this.sessionsIn(request), ...replaced];
    const { id: accountId } = account;
    const { method } = proof;
    const opened = await this.dataSource.transaction(async (db) => {
      // The lock serializes logins, so that each counts the sessions that the others opened.
      const owner = await this.accounts.lock(db, accountId, 'for_no_key_update');
      if (owner === null || owner.status === 'deleted') {
        // The profile may have been created after the message of the deletion was delivered.
        await this.outbox.add(db, 'account.deleted', { accountId });
        return undefined;
      }
      if (!(await proof.holds(db, owner))) return undefined;
      if (owner.status !== 'active') throw new Problem('account_disabled');
      const userAgent = headers['user-agent'];
      const session = { accountId, roles: owner.roles, method, ip, userAgent, replaces };
      const opened = await this.sessions.open(session, db);
      // A commit after the response timed out would end the browser's session without giving it the new one.
      refuseLateCommit();
      return opened;
    });
    if (opened === undefined) throw proof.outdated('the login method was removed during the login');
    void opened.publishEnded();
    for (const listener of this.listeners) await listener(reply, opened.actor.sessionId);
    this.logger.log(`account ${accountId} logged in (${method})`);
    return opened;
  }

  private async ensureProfile(account: Account, locale: Locale): Promise<void> {
    try {
      const { nickname, avatarUrl } = account;
      await this.profiles.createIfAbsent(account.id, { nickname, avatarUrl, locale });
    } catch (error) {
      // A login does not depend on ProfileService: the next login creates the profile.
      this.logger.warn(
        { err: error, accountId: account.id },
        'the profile of an account could not be created',
      );
    }
  }
}

/** Returns the locale of an `Accept-Language` header: Korean for `ko`, `*` or no header, otherwise English. */
function localeIn(acceptLanguage = '*'): Locale {
  return /^\s*(ko\b|\*)/i.test(acceptLanguage) ? 'ko' : 'en';
}
