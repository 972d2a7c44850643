import { domainToASCII } from 'node:url';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { simpleParser } from 'mailparser';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import type { Mailbox } from './mailbox.js';

const MESSAGE_LIMIT_BYTES = 1024 * 1024;

/** SMTP server that stores all messages and delivers none. */
interface SmtpSink {
  port: number;
  close: () => Promise<void>;
}

/** Starts the SMTP server. It accepts any credentials or none, and has no TLS, because connections are local. */
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
    onAuth: (auth, _session, callback) => callback(null, { user: auth.username ?? 'anonymous' }),
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
  // A broken connection must not end the process. `once` below reports a port that is in use.
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
    // A larger message is read to its end as well, because the server responds only after the stream is drained.
    if (size <= MESSAGE_LIMIT_BYTES) chunks.push(chunk);
  }
  if (size > MESSAGE_LIMIT_BYTES) throw new Error('The message is too large.');
  return Buffer.concat(chunks);
}

/** Returns an envelope address as the client sent it, because smtp-server decodes punycode. */
function asSent(address: string): string {
  return address.replace(/[^@]+$/, (domain) => domainToASCII(domain) || domain);
}
