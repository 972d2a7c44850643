import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { createTransport, type Transporter } from 'nodemailer';
import { Config } from '../config.js';
import { Turns } from '../turns.js';

/** A mail as it is written: plain text, to one person. */
export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/** A server that does not answer in this time (ms) counts as away. */
const PATIENCE = 5_000;
/** How long to wait (ms) before each further attempt. */
const PAUSES = [1_000, 10_000];
/** Connections at once; few mail servers allow one client more. */
const AT_ONCE = 5;
/** Mails that are on their way. More than these means that the server is away, and memory is not for them. */
const MOST_PENDING = 1_000;
/** How long (ms) a process that stops waits for its last mails. */
const LAST_CALL = 5_000;

/** Sends mails behind the back of the request that caused them: neither its time nor its outcome depends on them. */
@Injectable()
export class Mailer implements OnApplicationShutdown {
  private readonly logger = new Logger(Mailer.name);
  private readonly transport: Transporter | undefined;
  private readonly from: string;
  private readonly turns = new Turns({ atOnce: AT_ONCE, waiting: MOST_PENDING }, 'the mail server');
  private readonly pending = new Set<Promise<void>>();
  private readonly stopping = new AbortController();

  constructor({ mail }: Config) {
    this.from = mail.from;
    if (mail.url === undefined) {
      this.logger.warn('MAIL_URL is not set: no mail will be sent, so nobody can finish registering');
      return;
    }
    this.transport = createTransport({
      url: mail.url.reveal(),
      connectionTimeout: PATIENCE,
      greetingTimeout: PATIENCE,
      socketTimeout: PATIENCE,
      dnsTimeout: PATIENCE,
    });
  }

  /**
   * Writes a mail, unless nobody is to be written to, and sends it, once the caller has gone on. What goes wrong is tried again, then logged by the kind of
   * mail, and never reaches the caller.
   */
  post(kind: string, write: () => Promise<Mail | undefined>): void {
    if (this.transport === undefined || this.pending.size >= MOST_PENDING) {
      this.logger.error(
        `a ${kind} mail was not sent: ${this.transport ? 'too many wait' : 'MAIL_URL is not set'}`,
      );
      return;
    }
    const delivery = this.deliver(this.transport, write)
      .catch((error: unknown) => this.logger.error(`a ${kind} mail was not sent: ${describe(error)}`))
      .finally(() => this.pending.delete(delivery));
    this.pending.add(delivery);
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await Promise.race([Promise.all(this.pending), sleep(LAST_CALL, undefined, { ref: false })]);
    this.transport?.close();
  }

  private async deliver(transport: Transporter, write: () => Promise<Mail | undefined>): Promise<void> {
    // The answer first: what happens from here on depends on who was written to.
    await setImmediate();
    const mail = await write();
    if (mail === undefined) return;
    const { to, subject, text } = mail;
    const message = {
      from: this.from,
      // As an object it is one address, whatever is in it.
      to: { name: '', address: to },
      subject,
      text,
      headers: { 'Auto-Submitted': 'auto-generated' },
    };
    for (const pause of [...PAUSES, undefined]) {
      try {
        await this.turns.run(() => transport.sendMail(message));
        return;
      } catch (error) {
        if (pause === undefined || isFinal(error)) throw error;
      }
      // Whoever stops does not wait, and tries once more at once.
      await sleep(pause, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    }
  }
}

/** RFC 5321 §4.2.1: 5yz is a refusal that asking again does not change. */
function isFinal(error: unknown): boolean {
  const { responseCode } = error as { responseCode?: unknown };
  return typeof responseCode === 'number' && responseCode >= 500;
}

/** Mail servers repeat the address in what they say, so only codes go into the log. */
function describe(error: unknown): string {
  const { code, responseCode } = error as { code?: unknown; responseCode?: unknown };
  return [code, responseCode]
    .filter((part) => typeof part === 'string' || typeof part === 'number')
    .join(' ');
}
