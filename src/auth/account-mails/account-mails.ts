import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Config } from '../../config/config.js';
import { Mailer, type Mail } from '../../mail/mailer.js';
import { Outbox } from '../../outbox/outbox.js';
import { Profiles, type Locale } from '../../users/profiles.js';
import type { Account } from '../accounts/account.entity.js';
import { clientOf } from '../../rate-limits/client-address.js';
import { KnownClients } from '../rate-limits/known-clients.js';
import { MailBackoff } from './mail-backoff.js';
import { MailThrottle } from './mail-throttle.js';
import {
  mailRequest,
  requestedMail,
  securityNotice,
  type MailRequest,
  type RequestedMail,
  type SecurityNotice,
  type Spacing,
} from './schemas.js';
import { accountDeletedMail, identityLinkedMail, passwordChangedMail } from './templates.js';

/** Time after which a requested mail is dropped: the lifetime of its link. */
const LIFETIME_S = { 'verify-email': 86_400, 'reset-password': 3_600, 'address-in-use': 86_400 } as const;

type Writer = (request: MailRequest) => Promise<Mail | undefined>;

/** Time after which a security notice is dropped. */
const NOTICE_LIFETIME_S = 3 * 86_400;

/** Mails about accounts, in the language of the profile. */
@Injectable()
export class AccountMails implements OnModuleInit {
  private readonly writers = new Map<MailRequest['mail'], Writer>();

  constructor(
    private readonly mailer: Mailer,
    private readonly outbox: Outbox,
    private readonly dataSource: DataSource,
    private readonly profiles: Profiles,
    private readonly backoff: MailBackoff,
    private readonly throttle: MailThrottle,
    private readonly knownClients: KnownClients,
    private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.outbox.handle('mail.requested', {
      name: 'account-mails',
      schema: requestedMail,
      concurrency: 4,
      deliver: ({ request, spacing }) => this.schedule(request, spacing),
    });
    this.outbox.handle('mail.scheduled', {
      name: 'account-mails',
      schema: mailRequest,
      concurrency: 4,
      deliver: async (request) => {
        const { mail } = request;
        const written = await this.writers.get(mail)?.(request);
        if (written !== undefined) await this.mailer.send(mail, written, LIFETIME_S[mail]);
      },
    });
    this.outbox.handle('mail.notice', {
      name: 'account-mails',
      schema: securityNotice,
      concurrency: 4,
      deliver: async (notice) =>
        this.mailer.send(notice.mail, await this.writeNotice(notice), NOTICE_LIFETIME_S),
    });
  }

  /** Page that links in mails lead to. */
  get page(): string {
    return this.config.webOrigins[0];
  }

  /** Registers the writer of a mail. The writer returns undefined where no mail is to be sent. */
  registerWriter(mail: MailRequest['mail'], write: Writer): void {
    this.writers.set(mail, write);
  }

  /**
   * Stores the request for a mail, with one statement for every address. Work that depends on the address is done later, so
   * that time and outcome of the request do not reveal whether the address has an account.
   */
  async request(request: MailRequest, spacing: Spacing): Promise<void> {
    if (!this.mailer.canSend(request.mail)) return;
    const lifetimeS = LIFETIME_S[request.mail];
    await this.outbox.add(this.dataSource.manager, 'mail.requested', { request, spacing }, { lifetimeS });
    this.outbox.wake();
  }

  /** Adds a mail to the outbox, due after its pause (mail-backoff.ts) and the throttle (mail-throttle.ts), in one transaction. */
  private async schedule(
    request: MailRequest,
    { name, burst, address }: RequestedMail['spacing'],
  ): Promise<void> {
    const { to } = request;
    const isKnown = address !== undefined && (await this.knownClients.has(to, clientOf(address)));
    const unverified = await this.throttle.appliesTo(to);
    await this.dataSource.transaction(async (db) => {
      const slot = await this.backoff.next(db, isKnown ? `${name}:known` : name, to, burst);
      if (slot === undefined) return;
      // A mail after a pause answers several registrations, so its link must not be that of one of them.
      const { registration, ...neutral } = request;
      const throttled = unverified ? await this.throttle.next(db) : slot.dueAt;
      if (throttled === undefined) return;
      const schedule = { dueAt: throttled > slot.dueAt ? throttled : slot.dueAt };
      await this.outbox.add(
        db,
        'mail.scheduled',
        slot.later ? neutral : { registration, ...neutral },
        schedule,
      );
    });
    this.outbox.wake();
  }

  /**
   * Adds a security notice to the outbox in the caller's transaction, where the account has a verified address.
   * {@link Outbox.wake} once that is committed.
   */
  async notify(
    db: EntityManager,
    mail: SecurityNotice['mail'],
    { id: accountId, email: to, emailVerifiedAt }: Pick<Account, 'id' | 'email' | 'emailVerifiedAt'>,
    details: Pick<SecurityNotice, 'locale' | 'provider'> = {},
  ): Promise<void> {
    if (to === null || emailVerifiedAt === null || !this.mailer.canSend(mail)) return;
    const schedule = { lifetimeS: NOTICE_LIFETIME_S };
    await this.outbox.add(db, 'mail.notice', { mail, to, accountId, ...details }, schedule);
  }

  private async writeNotice({ mail, to, accountId, locale, provider = '' }: SecurityNotice): Promise<Mail> {
    if (mail === 'account-deleted') return accountDeletedMail(to, locale);
    const language = await this.localeOf(accountId);
    const page = `${this.page}/`;
    return mail === 'identity-linked'
      ? identityLinkedMail(to, language, provider, page)
      : passwordChangedMail(to, language, page);
  }

  /** Returns the language of a profile; undefined without a profile, or while ProfileService is unavailable. */
  async localeOf(accountId: string): Promise<Locale | undefined> {
    return this.profiles.localeOf(accountId).catch(() => undefined);
  }
}
