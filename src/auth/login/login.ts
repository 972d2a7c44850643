import { Injectable, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DataSource, type EntityManager } from 'typeorm';
import { refuseLateCommit } from '../../http/request-budget.js';
import { Outbox } from '../../outbox/outbox.js';
import { Problem } from '../../problems/problem.js';
import { Profiles, type Locale } from '../../users/profiles.js';
import { Account } from '../accounts/account.entity.js';
import { RefreshCookie } from '../sessions/refresh-cookie.js';
import { Sessions, type OpenedSession } from '../sessions/sessions.js';

/** How the user has proved to own an account. */
export interface LoginProof {
  /** `password` or a provider's id, as the session keeps it. */
  readonly method: string;
  /** Checks, in the transaction that opens the session, that the proof still holds. */
  readonly holds: (db: EntityManager, account: Account) => boolean | Promise<boolean>;
  /** The error where it does not. */
  readonly outdated: (reason: string) => Error;
}

/** Called after a login with its answer and the id of the new session. */
export type LoginListener = (reply: FastifyReply, sessionId: string) => Promise<void>;

/** The last step of every login: opens a session for an account whose owner the user has proved to be. */
@Injectable()
export class Login {
  private readonly logger = new Logger(Login.name);
  private readonly listeners: LoginListener[] = [];

  constructor(
    private readonly dataSource: DataSource,
    private readonly sessions: Sessions,
    private readonly profiles: Profiles,
    private readonly outbox: Outbox,
    private readonly cookie: RefreshCookie,
  ) {}

  /** Registers a listener, while the application starts. */
  onLogin(listener: LoginListener): void {
    this.listeners.push(listener);
  }

  /** The sessions whose refresh cookies come with a request. */
  sessionsIn(request: FastifyRequest): string[] {
    return this.cookie.read(request).flatMap((token) => this.sessions.sessionOf(token) ?? []);
  }

  /**
   * Opens a session, and sees to it that there is a profile. Comparing a password takes a while, and so does a provider:
   * the account is looked at once more, and held until the session is written. Whoever changes the password, takes the way
   * in away or deletes the account meanwhile is either seen here, or finds the session and ends it.
   *
   * The sessions whose refresh cookies the request has are ended in the same transaction, whoever's they are (ASVS V7.2.4), and
   * so are those of `replaced`, sealed into the attempt where their cookies may not come along. The browser's other attempts are
   * updated.
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
      // One log-in at a time, so that each counts the sessions that the others have opened.
      const owner = await db.findOne(Account, {
        where: { id: accountId },
        lock: { mode: 'for_no_key_update' },
      });
      if (owner === null || owner.status === 'deleted') {
        // The profile of a moment ago may have come after the message that removes it.
        await this.outbox.add(db, 'account.deleted', { accountId });
        return undefined;
      }
      if (!(await proof.holds(db, owner))) return undefined;
      if (owner.status !== 'active') throw new Problem('account_disabled');
      const userAgent = headers['user-agent'];
      const session = { accountId, roles: owner.roles, method, ip, userAgent, replaces };
      const opened = await this.sessions.open(session, db);
      // Committed without an answer, it would end the browser's session without giving it another.
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
      // The profile is made at the next chance; nobody is kept out because ProfileService is away.
      this.logger.warn(
        { err: error, accountId: account.id },
        'the profile of an account could not be created',
      );
    }
  }
}

/** The language of a browser: Korean where it says so, or nothing; English for everyone else. */
function localeIn(acceptLanguage = '*'): Locale {
  return /^\s*(ko\b|\*)/i.test(acceptLanguage) ? 'ko' : 'en';
}
