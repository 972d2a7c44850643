import { Injectable, Logger } from '@nestjs/common';
import { Problem } from '../problems/problem.js';
import { Profiles, type Locale } from '../users/profiles.js';
import type { Account } from './account.entity.js';
import type { NewSession } from './sessions/session-store.js';
import { Sessions, type Tokens } from './sessions/sessions.js';

/** Where someone is logging in from, and in which language. */
export type Device = Pick<NewSession, 'ip' | 'userAgent'> & { readonly locale: Locale };

/** The end of every way in: someone has proved to be the owner of an account. */
@Injectable()
export class LogIn {
  private readonly logger = new Logger(LogIn.name);

  constructor(
    private readonly sessions: Sessions,
    private readonly profiles: Profiles,
  ) {}

  /**
   * Opens a session, and sees to it that there is a profile.
   * @throws {Problem} `account_disabled`.
   */
  async complete(
    account: Account,
    method: NewSession['method'],
    { locale, ...device }: Device,
  ): Promise<Tokens> {
    if (account.status !== 'active') throw new Problem('account_disabled');
    try {
      const { nickname, avatarUrl } = account;
      await this.profiles.createIfAbsent(account.id, { nickname, avatarUrl, locale });
    } catch (error) {
      // The profile is made at the next chance; nobody is kept out because ProfileService is away.
      this.logger.warn(`the profile of account ${account.id} could not be made yet`, error);
    }
    const { roles, id: accountId } = account;
    const tokens = await this.sessions.open({ accountId, roles, method, ...device });
    this.logger.log(`account ${accountId} logged in (${method})`);
    return tokens;
  }
}

/** What we keep of a request to tell people where they are logged in. */
export function deviceOf({
  ip,
  headers,
}: {
  ip: string;
  headers: { 'user-agent'?: string; 'accept-language'?: string };
}): Device {
  return { ip, userAgent: headers['user-agent'], locale: localeIn(headers['accept-language']) };
}

/** The language of a browser: Korean where it says so, or nothing; English for everyone else. */
function localeIn(acceptLanguage = '*'): Locale {
  return /^\s*(ko\b|\*)/i.test(acceptLanguage) ? 'ko' : 'en';
}
