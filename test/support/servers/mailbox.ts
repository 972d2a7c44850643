import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { domainToASCII } from 'node:url';
import { simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';

/** A mail as it arrived. */
export interface ReceivedMail {
  readonly to: string;
  readonly from: string;
  readonly subject: string;
  readonly text: string;
  readonly messageId?: string;
}

/** A real SMTP server that keeps what it gets, and can be slow or unwilling. */
export class Mailbox {
  readonly mails: ReceivedMail[] = [];
  private readonly answers: (number | string)[] = [];
  private readonly listeners = new Set<() => void>();
  private held: Promise<void> | undefined;

  private constructor(private readonly server: SMTPServer) {}

  static async open(): Promise<Mailbox> {
    const server: SMTPServer = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS', 'AUTH'],
      disableReverseLookup: true,
      closeTimeout: 50,
      onRcptTo: (_address, _session, done) => {
        const reply = mailbox.answers.shift();
        if (reply === undefined) return done(null);
        const [responseCode, message = 'not taken'] = String(reply).split(/ (.*)/);
        done(Object.assign(new Error(message), { responseCode: Number(responseCode) }));
      },
      async onData(stream, session, done) {
        const { from, subject = '', text = '', messageId } = await simpleParser(stream);
        await mailbox.held;
        for (const { address } of session.envelope.rcptTo) {
          mailbox.mails.push({ to: asSent(address), from: from?.text ?? '', subject, text, messageId });
        }
        done();
        for (const listener of mailbox.listeners) listener();
      },
    });
    const mailbox = new Mailbox(server);
    server.listen(0, '127.0.0.1');
    await once(server.server, 'listening');
    server.on('error', () => undefined);
    return mailbox;
  }

  /** What MAIL_URL must be to reach it. */
  get url(): string {
    return `smtp://127.0.0.1:${(this.server.server.address() as AddressInfo).port}`;
  }

  /** The mails to an address, oldest first, once there are so many. */
  async waitFor(address: string, count = 1): Promise<ReceivedMail[]> {
    for (;;) {
      const found = this.mails.filter(({ to }) => to === address);
      if (found.length >= count) return found;
      await new Promise<void>((resolve) => {
        const listener = () => {
          this.listeners.delete(listener);
          resolve();
        };
        this.listeners.add(listener);
      });
    }
  }

  /** Accepts nothing until the returned function is called. */
  hold(): () => void {
    let release = () => {};
    this.held = new Promise((resolve) => (release = resolve));
    return release;
  }

  /** Answers the next recipients with these SMTP codes or replies, one each. */
  refuse(...replies: (number | string)[]): void {
    this.answers.push(...replies);
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.server.close(resolve));
  }
}

/** An envelope address as the client sent it: the server's library decodes punycode. */
function asSent(address: string): string {
  return address.replace(/[^@]+$/, (domain) => domainToASCII(domain) || domain);
}
