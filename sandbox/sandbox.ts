import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Router } from './router.js';
import type { FaultRequest } from './faults/faults.js';
import { Grants } from './grants.js';
import { IdTokenSigner } from './id-tokens.js';
import type { SeenRequest } from './journal.js';
import { type Mail, Mailbox } from './mail/mailbox.js';
import { startSmtp } from './mail/smtp.js';
import type { SandboxContext } from './context.js';

/** How to start a sandbox. A port of 0 takes a free one. */
export interface SandboxOptions {
  port: number;
  smtpPort: number;
  /** A loopback address; 127.0.0.1 unless told otherwise. */
  host?: string;
  /** False plays no provider and keeps the mail part. */
  providers?: boolean;
  /** The one registered application, at every provider. */
  clientId?: string;
  /** An empty one switches the client secret off, as Kakao's console can. */
  clientSecret?: string;
  kakaoAdminKey?: string;
  /** Milliseconds since 1970, for tests in which codes and tokens expire. */
  clock?: () => number;
}

/** A running sandbox. */
export interface Sandbox {
  url: string;
  smtpUrl: string;
  /** Makes a provider misbehave. */
  fault: (request: FaultRequest) => void;
  clearFaults: () => void;
  /** The requests that reached the providers, oldest first. */
  requests: () => SeenRequest[];
  clearRequests: () => void;
  /** Delivered mail, newest first; all of it or one address's. */
  mailbox: (to?: string) => Mail[];
  /** Stops at once, also in the middle of answers. */
  close: () => Promise<void>;
}

const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|localhost)$/;

/** Starts a stand-in for Google, Kakao, Naver and a mail server, for development and tests only. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  if (process.env['NODE_ENV'] === 'production') {
    throw new Error(
      'The sandbox lets anybody log in as anybody, so it does not start with NODE_ENV=production.',
    );
  }
  const host = options.host ?? '127.0.0.1';
  if (!LOOPBACK.test(host)) throw new Error('The sandbox listens on loopback only, such as 127.0.0.1.');

  const clock = options.clock ?? Date.now;
  const world: SandboxContext = {
    clientId: options.clientId ?? 'sandbox-client',
    clientSecret: options.clientSecret ?? 'sandbox-secret',
    kakaoAdminKey: options.kakaoAdminKey ?? 'sandbox-admin-key',
    clock,
    grants: new Grants(clock),
    signer: await IdTokenSigner.create(),
  };
  const mailbox = new Mailbox();
  const smtp = await startSmtp(mailbox, { host, port: options.smtpPort, clock });
  const authority = (port: number): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const smtpUrl = `smtp://${authority(smtp.port)}`;
  const desk = new Router({ world, mailbox, smtpUrl, providers: options.providers ?? true });
  const server = createServer((request, response) => void desk.receive(request, response));
  server.on('clientError', (_error, socket) => socket.destroy());
  try {
    server.listen(options.port, host);
    await once(server, 'listening');
  } catch (error) {
    await smtp.close();
    throw error;
  }
  return {
    url: `http://${authority((server.address() as AddressInfo).port)}`,
    smtpUrl,
    fault: (request) => desk.faults.set(request),
    clearFaults: () => desk.faults.clear(),
    requests: () => desk.journal.list(),
    clearRequests: () => desk.journal.clear(),
    mailbox: (to) => mailbox.list(to),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      // Answers that hang on purpose would keep the server open for ever.
      server.closeAllConnections();
      await Promise.all([closed, smtp.close()]);
    },
  };
}
