import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { domainToASCII } from 'node:url';
import { simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';

/** Received mail. */
export interface ReceivedMail {
  readonly to: string;
  readonly from: string;
  readonly subject: string;
  readonly text: string;
  readonly messageId?: string;
}

/** SMTP server that stores mails, and can delay or refuse them. */
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
    // smtp-server registers the connection in an earlier `setImmediate`.
    server.server.on('connection', () => setImmediate(() => greetAtOnce(server)));
    server.listen(0, '127.0.0.1');
    await once(server.server, 'listening');
    server.on('error', () => undefined);
    return mailbox;
  }

  /** Value for MAIL_URL. */
  get url(): string {
    return `smtp://127.0.0.1:${(this.server.server.address() as AddressInfo).port}`;
  }

  /** Waits for a number of mails to an address. Returns them, oldest first. */
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

  /** Delays all mails until the returned function is called. */
  hold(): () => void {
    let release = () => {};
    this.held = new Promise((resolve) => (release = resolve));
    return release;
  }

  /** Responds to the next recipients with SMTP codes or replies, one each. */
  refuse(...replies: (number | string)[]): void {
    this.answers.push(...replies);
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.server.close(resolve));
  }
}

/** Greets the latest client. By itself smtp-server waits 100 ms, to detect clients that send before the greeting. */
function greetAtOnce({ connections }: SMTPServer): void {
  const latest = [...(connections as Set<{ connectionReady: () => void }>)].at(-1);
  latest?.connectionReady();
  // The timer of smtp-server calls it again.
  if (latest !== undefined) latest.connectionReady = () => {};
}

/** Returns an envelope address as the client sent it, because smtp-server decodes punycode. */
function asSent(address: string): string {
  return address.replace(/[^@]+$/, (domain) => domainToASCII(domain) || domain);
}
