import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { createTransport, type Transporter } from 'nodemailer';
import { DataSource } from 'typeorm';
import { z } from 'zod';
import { Config } from '../config/config.js';
import { Outbox, Undeliverable } from '../outbox/outbox.js';

const message = z.object({
  /** The kind of mail: the log names it. */
  mail: z.string(),
  to: z.string(),
  subject: z.string(),
  text: z.string(),
});

/** A mail: plain text, to one address. */
export type Mail = Omit<z.output<typeof message>, 'mail'>;

/** Time limit of a mail server's name, connection and greeting. */
const GREETING_MS = 5_000;
/** Time limit of a reply. Servers may examine a mail for long (RFC 5321 §4.5.3.2.6); a client that gives up too soon sends it twice. */
const REPLY_MS = 120_000;
/** Lease of a mail: longer than an exchange with such a server. */
const LEASE_S = 600;
/** Connections at once. Few mail servers allow more from one client. */
const CONNECTIONS = 5;
/**
 * Backoff. The first pauses are short because a user waits for the mail. The others suit greylisting, which accepts mails after
 * some minutes (RFC 6647), and relays that are down for hours (RFC 5321 §4.5.4.1).
 */
const BACKOFF_S = [5, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600];

/** Mailer over SMTP. Mails go through the outbox, so that they survive restarts and outages of the mail server. */
@Injectable()
export class Mailer implements OnModuleInit {
  private readonly logger = new Logger(Mailer.name);
  private readonly transport: Transporter | undefined;
  private readonly from: string;
  /** Domain of `Message-ID`. */
  private readonly domain: string;

  constructor(
    { mail, publicUrl }: Config,
    private readonly outbox: Outbox,
    private readonly dataSource: DataSource,
  ) {
    this.from = mail.from;
    this.domain = new URL(publicUrl).hostname;
    if (mail.url === undefined) {
      this.logger.warn('MAIL_URL is not set: no mail will be sent, so no registration can be completed');
      return;
    }
    this.transport = createTransport({
      url: mail.url.reveal(),
      // An attacker on the path can strip STARTTLS, and would read the links.
      requireTLS: mail.requireTls,
      connectionTimeout: GREETING_MS,
      greetingTimeout: GREETING_MS,
      socketTimeout: REPLY_MS,
      dnsTimeout: GREETING_MS,
    });
  }

  onModuleInit(): void {
    this.outbox.handle('mail.send', {
      name: 'smtp',
      schema: message,
      concurrency: CONNECTIONS,
      leaseS: LEASE_S,
      backoffS: BACKOFF_S,
      deliver: (mail, id) => this.deliver(mail, id),
    });
  }

  /** Returns false without `MAIL_URL`, and logs the kind of the lost mail. */
  canSend(kind: string): boolean {
    if (this.transport === undefined) this.logger.error(`a ${kind} mail was not sent: MAIL_URL is not set`);
    return this.transport !== undefined;
  }

  /** Adds a mail to the outbox. It is dropped where it cannot be sent within `lifetimeS`. */
  async send(kind: string, mail: Mail, lifetimeS: number): Promise<void> {
    await this.outbox.add(this.dataSource.manager, 'mail.send', { mail: kind, ...mail }, { lifetimeS });
  }

  private async deliver({ mail, to, subject, text }: z.output<typeof message>, id: string): Promise<void> {
    if (this.transport === undefined) throw new Error('MAIL_URL is not set');
    const failure = await this.transport
      .sendMail({
        from: this.from,
        // An object is one address, whatever characters it has; a string would be parsed as a list.
        to: { name: '', address: to },
        subject,
        text,
        // The same at each attempt, so that receivers recognise a mail that was sent twice.
        messageId: `<outbox-${id}@${this.domain}>`,
        headers: { 'Auto-Submitted': 'auto-generated' },
      })
      .then(
        () => undefined,
        (error: unknown) => failureOf(mail, error),
      );
    if (failure !== undefined) throw failure;
  }
}

/** Returns the error that the outbox logs. It leaves out the reply of the server, which may contain the address. */
function failureOf(mail: string, error: unknown): Error {
  const reason = `a ${mail} mail was not sent: ${describe(error)}`;
  if (isRefused(error)) return new Undeliverable(reason);
  return new Error(
    concernsSender(error)
      ? `${reason}. MAIL_URL: check user, password and TLS; MAIL_FROM: the server has to allow it`
      : reason,
  );
}

interface SmtpError {
  readonly code?: unknown;
  readonly responseCode?: unknown;
  readonly command?: unknown;
  readonly response?: unknown;
}

/** Enhanced status codes (RFC 3463) of an address that does not exist or accepts no mail. */
const NO_MAILBOX = /^5\.1\.(?:[1-4]|6|10)$/;
/** Texts of replies for such an address without an enhanced status code. */
const UNKNOWN_USER =
  /\b(?:(?:user|recipient|mailbox|address) (?:is )?(?:unknown|not found|does not exist|doesn't exist|invalid)|(?:unknown|no such|invalid) (?:user|recipient|mailbox|address|local part)|does not exist)\b/i;

/**
 * Returns true for a refusal of the recipient, which a further attempt does not change. Any other refusal may concern the
 * sender, the text or the time, and the mail is kept.
 */
function isRefused(error: unknown): boolean {
  const { responseCode, command, response } = error as SmtpError;
  if (typeof responseCode !== 'number' || responseCode < 500 || !/^(RCPT|DATA)/.test(String(command)))
    return false;
  const enhanced = enhancedCodeOf(error);
  if (enhanced !== undefined) return NO_MAILBOX.test(enhanced);
  return String(command).startsWith('RCPT') && UNKNOWN_USER.test(String(response));
}

/** Returns the enhanced status code (RFC 3463) of a reply; undefined where the server sends none. */
function enhancedCodeOf(error: unknown): string | undefined {
  const { response } = error as SmtpError;
  return /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})\b/.exec(String(response))?.[1];
}

/** Returns true for a refusal of this sender, which an operator can change. */
function concernsSender(error: unknown): boolean {
  const { code, responseCode } = error as SmtpError;
  return code === 'EAUTH' || code === 'ETLS' || (typeof responseCode === 'number' && responseCode >= 500);
}

/** Returns the codes of an error. Its texts may contain the address, and are left out. */
function describe(error: unknown): string {
  const { code, responseCode } = error as SmtpError;
  return [code, responseCode, enhancedCodeOf(error)]
    .filter((part) => typeof part === 'string' || typeof part === 'number')
    .join(' ');
}
