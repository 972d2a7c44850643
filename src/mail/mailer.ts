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

/** A mail as it is written: plain text, to one person. */
export type Mail = Omit<z.output<typeof message>, 'mail'>;

/** A server that does not greet in this time (ms) counts as away. */
const GREETING_MS = 5_000;
/** Servers may examine a mail for long before they take it (RFC 5321 §4.5.3.2.6); who gives up too soon sends it twice. */
const REPLY_MS = 120_000;
/** Longer (s) than an exchange with such a server. */
const LEASE_S = 600;
/** Connections at once; few mail servers allow one client more. */
const CONNECTIONS = 5;
/**
 * Pauses (s) before each further attempt. The first are for a person who waits; the others suit greylisting, which takes
 * mails after some minutes (RFC 6647), and relays that are down for hours (RFC 5321 §4.5.4.1).
 */
const PAUSES_S = [5, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600];

/** Sends mails through the outbox: a mail that the server puts off is kept for hours, also through restarts. */
@Injectable()
export class Mailer implements OnModuleInit {
  private readonly logger = new Logger(Mailer.name);
  private readonly transport: Transporter | undefined;
  private readonly from: string;
  /** The right side of `Message-ID`. */
  private readonly domain: string;

  constructor(
    { mail, publicUrl }: Config,
    private readonly outbox: Outbox,
    private readonly dataSource: DataSource,
  ) {
    this.from = mail.from;
    this.domain = new URL(publicUrl).hostname;
    if (mail.url === undefined) {
      this.logger.warn('MAIL_URL is not set: no mail will be sent, so nobody can finish registering');
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
      lease: LEASE_S,
      pauses: PAUSES_S,
      deliver: (mail, id) => this.deliver(mail, id),
    });
  }

  /** Returns false where no mail can be sent, and logs which one is lost. */
  canSend(kind: string): boolean {
    if (this.transport === undefined) this.logger.error(`a ${kind} mail was not sent: MAIL_URL is not set`);
    return this.transport !== undefined;
  }

  /** Puts a mail into the outbox; `lifetime` (s) is for how long it is of use. */
  async send(kind: string, mail: Mail, lifetime: number): Promise<void> {
    await this.outbox.add(this.dataSource.manager, 'mail.send', { mail: kind, ...mail }, { lifetime });
  }

  private async deliver({ mail, to, subject, text }: z.output<typeof message>, id: string): Promise<void> {
    if (this.transport === undefined) throw new Error('MAIL_URL is not set');
    const failure = await this.transport
      .sendMail({
        from: this.from,
        // As an object it is one address, whatever is in it.
        to: { name: '', address: to },
        subject,
        text,
        // The same at each attempt, so that a mail whose acceptance was lost is recognised as a repetition.
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

/** The failure that the outbox logs, without the error itself: mail servers repeat the address in what they say. */
function failureOf(mail: string, error: unknown): Error {
  const reason = `a ${mail} mail was not sent: ${describe(error)}`;
  if (isRefused(error)) return new Undeliverable(reason);
  return new Error(
    isOperators(error)
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

/** Enhanced codes (RFC 3463) of an address that does not exist or takes no mail. */
const NO_MAILBOX = /^5\.1\.(?:[1-4]|6|10)$/;
/** Words of replies without an enhanced code for such an address. */
const UNKNOWN_USER =
  /\b(?:(?:user|recipient|mailbox|address) (?:is )?(?:unknown|not found|does not exist|doesn't exist|invalid)|(?:unknown|no such|invalid) (?:user|recipient|mailbox|address|local part)|does not exist)\b/i;

/**
 * Recognises a refusal of the recipient, which a further attempt does not change. Each other refusal may be about the
 * sender, the text or the time, and is kept.
 */
function isRefused(error: unknown): boolean {
  const { responseCode, command, response } = error as SmtpError;
  if (typeof responseCode !== 'number' || responseCode < 500 || !/^(RCPT|DATA)/.test(String(command)))
    return false;
  const enhanced = enhancedCodeOf(error);
  if (enhanced !== undefined) return NO_MAILBOX.test(enhanced);
  return String(command).startsWith('RCPT') && UNKNOWN_USER.test(String(response));
}

/** The enhanced status code (RFC 3463) of a reply, which few servers leave out. */
function enhancedCodeOf(error: unknown): string | undefined {
  const { response } = error as SmtpError;
  return /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})\b/.exec(String(response))?.[1];
}

/** A refusal of ourselves, which an operator can change. */
function isOperators(error: unknown): boolean {
  const { code, responseCode } = error as SmtpError;
  return code === 'EAUTH' || code === 'ETLS' || (typeof responseCode === 'number' && responseCode >= 500);
}

/** Mail servers repeat the address in what they say, so only codes go into the log. */
function describe(error: unknown): string {
  const { code, responseCode } = error as SmtpError;
  return [code, responseCode, enhancedCodeOf(error)]
    .filter((part) => typeof part === 'string' || typeof part === 'number')
    .join(' ');
}
