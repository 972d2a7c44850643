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

/** Options of a sandbox. Port 0 selects a free port. */
interface SandboxOptions {
  port: number;
  smtpPort: number;
  /** Loopback address. Default: 127.0.0.1. */
  host?: string;
  /** False runs the mail server only. */
  providers?: boolean;
  /** Client id of the application, at every provider. */
  clientId?: string;
  /** Client secret. An empty one switches the feature off, as in Kakao's console. */
  clientSecret?: string;
  kakaoAdminKey?: string;
  /** Clock in milliseconds since 1970, for tests with expiring codes and tokens. */
  clock?: () => number;
}

/** A running sandbox. */
export interface Sandbox {
  url: string;
  smtpUrl: string;
  /** Switches a fault of a provider on. */
  fault: (request: FaultRequest) => void;
  clearFaults: () => void;
  /** Returns the requests to the providers, oldest first. */
  requests: () => SeenRequest[];
  clearRequests: () => void;
  /** Returns messages, newest first: all, or the ones to an address. */
  mailbox: (to?: string) => Mail[];
  /** Stops at once, also during responses. */
  close: () => Promise<void>;
}

const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|localhost)$/;

/** Starts a stand-in for Google, Kakao, Naver and a mail server, for development and tests only. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  if (process.env['NODE_ENV'] === 'production') {
    throw new Error(
      'The sandbox does not start with NODE_ENV=production, because it allows a login as any user.',
    );
  }
  const host = options.host ?? '127.0.0.1';
  if (!LOOPBACK.test(host)) throw new Error('The sandbox listens on loopback only, such as 127.0.0.1.');

  const clock = options.clock ?? Date.now;
  const context: SandboxContext = {
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
  const router = new Router({ context, mailbox, smtpUrl, providers: options.providers ?? true });
  const server = createServer((request, response) => void router.receive(request, response));
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
    fault: (request) => router.faults.set(request),
    clearFaults: () => router.faults.clear(),
    requests: () => router.journal.list(),
    clearRequests: () => router.journal.clear(),
    mailbox: (to) => mailbox.list(to),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      // Responses that hang on purpose would keep the server open.
      server.closeAllConnections();
      await Promise.all([closed, smtp.close()]);
    },
  };
}
