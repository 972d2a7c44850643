import { Injectable, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DataSource, type EntityManager } from 'typeorm';
import { refuseLateCommit } from '../../http/request-budget.js';
import { Outbox } from '../../outbox/outbox.js';
import { Problem } from '../../problems/problem.js';
import { Profiles, type Locale } from '../../users/profiles.js';
import { Account } from '../accounts/account.entity.js';
import { Identity } from '../social/identity.entity.js';
import { RefreshCookie } from '../sessions/refresh-cookie.js';
import { Sessions, type Tokens } from '../sessions/sessions.js';
import { TransactionCookies } from '../social/transaction-cookies.js';
import { LoginError } from '../social/login-error.js';

/** What someone has shown: a password, by the hash that it was compared with, or that a provider knows them. */
export type Proof =
  | { readonly method: 'password'; readonly passwordHash: string | null }
  | { readonly method: string; readonly subject: string };

/** The end of every way in: someone has proved to be the owner of an account. */
@Injectable()
export class Login {
  private readonly logger = new Logger(Login.name);

  constructor(
    private readonly dataSource: DataSource,
    private readonly sessions: Sessions,
    private readonly profiles: Profiles,
    private readonly outbox: Outbox,
    private readonly cookie: RefreshCookie,
    private readonly transactions: TransactionCookies,
  ) {}

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
   * @throws {Problem} `account_disabled`, `credentials_invalid`, `temporarily_unavailable`.
   * @throws {LoginError} `login_attempt_invalid`.
   */
  async complete(
    account: Account,
    proof: Proof,
    reply: FastifyReply,
    replaced: readonly string[] = [],
  ): Promise<Tokens> {
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
      if (!(await isStillValid(db, owner, proof))) return undefined;
      if (owner.status !== 'active') throw new Problem('account_disabled');
      const userAgent = headers['user-agent'];
      const session = { accountId, roles: owner.roles, method, ip, userAgent, replaces };
      const opened = await this.sessions.open(session, db);
      // Committed without an answer, it would end the browser's session without giving it another.
      refuseLateCommit();
      return opened;
    });
    if (opened === undefined) throw invalidProof(proof);
    opened.publishEnded();
    await this.transactions.updateOthers(reply, opened.sessionId);
    this.logger.log(`account ${accountId} logged in (${method})`);
    return opened;
  }

  private async ensureProfile(account: Account, locale: Locale): Promise<void> {
    try {
      const { nickname, avatarUrl } = account;
      await this.profiles.createIfAbsent(account.id, { nickname, avatarUrl, locale });
    } catch (error) {
      // The profile is made at the next chance; nobody is kept out because ProfileService is away.
      this.logger.warn(`the profile of account ${account.id} could not be made yet`, error);
    }
  }
}

/** Whether what someone has shown is a way into the account still. */
async function isStillValid(
  db: EntityManager,
  { id, passwordHash }: Account,
  proof: Proof,
): Promise<boolean> {
  // There is none where a mail proved the address, and nobody's password was to be kept.
  if (!('subject' in proof)) return passwordHash === proof.passwordHash;
  return db.existsBy(Identity, { provider: proof.method, subject: proof.subject, accountId: id });
}

function invalidProof(proof: Proof): Error {
  const reason = 'the way in was closed while someone came in by it';
  return 'subject' in proof
    ? new LoginError('login_attempt_invalid', { reason })
    : new Problem('credentials_invalid', { reason });
}

/** The language of a browser: Korean where it says so, or nothing; English for everyone else. */
function localeIn(acceptLanguage = '*'): Locale {
  return /^\s*(ko\b|\*)/i.test(acceptLanguage) ? 'ko' : 'en';
}
