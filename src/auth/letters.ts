import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { z } from 'zod';
import { Config } from '../config.js';
import { Mailer, type Mail } from '../mail/mailer.js';
import { Outbox } from '../outbox/outbox.js';
import { Profiles, type Locale } from '../users/profiles.js';
import type { Account } from './account.entity.js';
import { clientOf } from './limits/client-address.js';
import { KnownClients } from './limits/known-clients.js';
import { MailPauses } from './mail-pauses.js';

/** Mails that anyone can cause, with the seconds for which they are of use: as long as their links are good. */
const LIFETIME_S = { 'verify-email': 86_400, 'reset-password': 3_600, 'address-in-use': 86_400 } as const;
export type RequestedMail = keyof typeof LIFETIME_S;

const request = z.object({ mail: z.enum(['verify-email', 'reset-password']), to: z.string() });

/** Writes a mail at the time when it is sent; undefined where nobody is to be written to. */
type Write = () => Promise<Mail | undefined>;

/** Mails to people about their accounts, in their language. */
@Injectable()
export class Letters implements OnModuleInit {
  private readonly writers = new Map<RequestedMail, (to: string) => Promise<Mail | undefined>>();

  constructor(
    private readonly mailer: Mailer,
    private readonly outbox: Outbox,
    private readonly dataSource: DataSource,
    private readonly profiles: Profiles,
    private readonly pauses: MailPauses,
    private readonly knownClients: KnownClients,
    private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.outbox.handle('mail.request', {
      name: 'letters',
      schema: request,
      concurrency: 4,
      deliver: async ({ mail, to }) => {
        const written = await this.writers.get(mail)?.(to);
        if (written === undefined) return;
        await this.send(this.dataSource.manager, mail, written);
        this.outbox.wake();
      },
    });
  }

  /** The page that links in mails lead to. */
  get page(): string {
    return this.config.webOrigins[0];
  }

  /** Registers the writer of mails that had to wait for the end of a pause. */
  writeLater(mail: z.output<typeof request>['mail'], write: (to: string) => Promise<Mail | undefined>): void {
    this.writers.set(mail, write);
  }

  /**
   * Writes a mail and sends it, once the caller has gone on: neither the time nor the outcome of the request depends on
   * it. Mails of a kind to one address are spaced (`mail-pauses.ts`), but for its owner's where they have logged in before.
   */
  post(
    mail: RequestedMail,
    to: string,
    write: Write,
    { address, burst = 1 }: { readonly address?: string; readonly burst?: number } = {},
  ): void {
    this.mailer.behind(mail, async () => {
      const known = address !== undefined && (await this.knownClients.has(to, clientOf(address)));
      const place = await this.pauses.next(known ? `${mail}:known` : mail, to, burst);
      if (place === undefined) return;
      if (!place.later) {
        const written = await write();
        if (written !== undefined) await this.send(this.dataSource.manager, mail, written);
      } else if (mail !== 'address-in-use') {
        await this.outbox.add(this.dataSource.manager, 'mail.request', { mail, to }, place);
      }
    });
  }

  /**
   * Tells an account's owner something, where there is an address that is surely theirs. `locale` is for an account whose
   * profile is about to be deleted.
   */
  tell(
    kind: string,
    { id, email, emailVerifiedAt }: Pick<Account, 'id' | 'email' | 'emailVerifiedAt'>,
    write: (to: string, locale: Locale | undefined, page: string) => Mail,
    locale?: Locale,
  ): void {
    if (email === null || emailVerifiedAt === null) return;
    this.mailer.post(kind, async () => write(email, locale ?? (await this.localeOf(id)), `${this.page}/`));
  }

  /** The language of a profile; undefined where it cannot be known now. */
  async localeOf(accountId: string): Promise<Locale | undefined> {
    return this.profiles.localeOf(accountId).catch(() => undefined);
  }

  private async send(db: EntityManager, mail: RequestedMail, written: Mail): Promise<void> {
    await this.mailer.send(db, mail, written, LIFETIME_S[mail]);
  }
}
