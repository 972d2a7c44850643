import { domainToASCII } from 'node:url';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { simpleParser } from 'mailparser';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import type { Mailbox } from './mailbox.js';

const MESSAGE_LIMIT = 1024 * 1024;

/** An SMTP server that keeps everything and delivers nothing. */
export interface SmtpSink {
  port: number;
  close: () => Promise<void>;
}

/** Starts the SMTP server. Any log-in or none will do; there is no TLS, since nothing leaves this machine. */
export async function startSmtp(
  mailbox: Mailbox,
  options: { host: string; port: number; clock: () => number },
): Promise<SmtpSink> {
  const server = new SMTPServer({
    authOptional: true,
    allowInsecureAuth: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    closeTimeout: 50,
    onAuth: (auth, _session, callback) => callback(null, { user: auth.username ?? 'anybody' }),
    async onData(stream, session, callback) {
      let failure: Error | undefined;
      try {
        await deliver(mailbox, stream, session, options.clock);
      } catch (cause) {
        failure = new Error('The message could not be read.', { cause });
      }
      callback(failure);
    },
  });
  // A client that breaks off must not end the process. A port that is taken is reported by `once` below.
  server.on('error', () => undefined);
  server.listen(options.port, options.host);
  await once(server.server, 'listening');
  return {
    port: (server.server.address() as AddressInfo).port,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

async function deliver(
  mailbox: Mailbox,
  stream: SMTPServerDataStream,
  session: SMTPServerSession,
  clock: () => number,
): Promise<void> {
  const source = await readBounded(stream);
  const parsed = await simpleParser(source);
  for (const recipient of session.envelope.rcptTo) {
    mailbox.add({
      to: asSent(recipient.address),
      from: parsed.from?.text ?? '',
      subject: parsed.subject ?? '',
      text: parsed.text ?? '',
      ...(typeof parsed.html === 'string' && { html: parsed.html }),
      receivedAt: new Date(clock()).toISOString(),
    });
  }
}

async function readBounded(stream: SMTPServerDataStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    // Read on to the end all the same: the server can only answer once the stream is drained.
    if (size <= MESSAGE_LIMIT) chunks.push(chunk);
  }
  if (size > MESSAGE_LIMIT) throw new Error('The message is too large.');
  return Buffer.concat(chunks);
}

/** An envelope address as the client sent it: smtp-server decodes punycode. */
function asSent(address: string): string {
  return address.replace(/[^@]+$/, (domain) => domainToASCII(domain) || domain);
}
