import { Injectable } from '@nestjs/common';
import { Config } from '../config.js';
import { Mailer, type Mail } from '../mail/mailer.js';
import { Profiles, type Locale } from '../users/profiles.js';
import type { Account } from './account.entity.js';
import { Limits, type Asker } from './limits/limits.js';

/** Mails to people about their accounts, in their language. */
@Injectable()
export class Letters {
  constructor(
    private readonly mailer: Mailer,
    private readonly profiles: Profiles,
    private readonly limits: Limits,
    private readonly config: Config,
  ) {}

  /** The page that links in mails lead to. */
  get page(): string {
    return this.config.webOrigins[0];
  }

  /**
   * Writes a mail and sends it, once the caller has gone on: neither the time nor the outcome of what caused it depends
   * on it. `write` gives nothing where nobody is to be written to; and nobody gets more than a few of a kind an hour
   * because of one asker.
   */
  post(kind: string, to: string, asker: Asker, write: () => Promise<Mail | undefined>): void {
    this.mailer.post(kind, async () => ((await this.limits.mayMail(kind, to, asker)) ? write() : undefined));
  }

  /** Tells an account's owner something, where there is an address that is surely theirs. */
  tell(
    kind: string,
    { id, email, emailVerifiedAt }: Pick<Account, 'id' | 'email' | 'emailVerifiedAt'>,
    write: (to: string, locale: Locale | undefined, page: string) => Mail,
  ): void {
    if (email === null || emailVerifiedAt === null) return;
    this.mailer.post(kind, async () => write(email, await this.localeOf(id), `${this.page}/`));
  }

  /** The language of a profile; undefined where it cannot be known now. */
  async localeOf(accountId: string): Promise<Locale | undefined> {
    return this.profiles.localeOf(accountId).catch(() => undefined);
  }
}
