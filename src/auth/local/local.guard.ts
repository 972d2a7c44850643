import { createParamDecorator, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { DataSource } from 'typeorm';
import { databaseBulkhead } from '../../database/pool-share.js';
import { Problem } from '../../problems/problem.js';
import { validation } from '../../problems/validation.js';
import { Bulkhead, type QueueShare } from '../../concurrency/bulkhead.js';
import type { Account } from '../accounts/account.entity.js';
import { clientOf, routedNetworkOf } from '../../rate-limits/client-address.js';
import { KnownClients } from '../rate-limits/known-clients.js';
import { LoginRateLimits } from '../rate-limits/limits.js';
import { credentials, type Credentials } from './credentials.js';
import { LocalStrategy } from './local.strategy.js';
import { PasswordHashes } from './password-hashes.js';

/**
 * Comparisons of an address and a password that read the database at once, and those that wait before they do. More at
 * once than hashes (`password-hashes.ts`), so that the next account has been read when a hash ends.
 */
const LOGINS = { concurrency: 4, queue: 64, reserved: 32 };

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the local guard: whose address and password came along. */
    provenAccount?: Account;
  }
}

/** The {@link Account} whose address and password came along; always there behind the {@link LocalGuard}. */
export const ProvenAccount = createParamDecorator(
  (_: unknown, context: ExecutionContext) =>
    context.switchToHttp().getRequest<FastifyRequest>().provenAccount,
);

/**
 * Lets in who sends an address and its password. It runs the strategy that was injected, not the one of that name in
 * Passport's registry, which all applications of a process share; and it passes on what the strategy throws, where the
 * stock guard would turn an outage into a wrong password.
 */
@Injectable()
export class LocalGuard implements CanActivate {
  private readonly logins = new Bulkhead(LOGINS, 'a log-in');
  private readonly lookUps: Bulkhead;

  constructor(
    private readonly strategy: LocalStrategy,
    private readonly limits: LoginRateLimits,
    private readonly hashes: PasswordHashes,
    private readonly knownClients: KnownClients,
    dataSource: DataSource,
  ) {
    this.lookUps = databaseBulkhead(dataSource, LOGINS.queue, 'a look-up of known clients');
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    // Guards run before pipes, and nothing malformed is worth a hash.
    const body: unknown = await validation.transform(request.body, { type: 'body', schema: credentials });
    const { email } = body as Credentials;
    const attempt = await this.limits.beginLogin(email, request.ip);
    request.provenAccount = await attempt.judge(async () => {
      const party = await this.queueShare(email, request.ip);
      return this.logins.run(() => this.authenticate(body, party), party);
    });
    return true;
  }

  /** A client from which the account has logged in before waits in the reserved places of queues that are in use. */
  private async queueShare(email: string, address: string): Promise<QueueShare> {
    const network = { key: routedNetworkOf(address) };
    if (this.logins.load.waiting + this.hashes.load.waiting === 0) return network;
    const reserved = await this.lookUps.run(() => this.knownClients.has(email, clientOf(address)), network);
    return { ...network, reserved };
  }

  /** Passport gives a strategy its outcomes as methods, on an object for this attempt alone. */
  private authenticate(body: unknown, party: QueueShare): Promise<Account> {
    return new Promise((resolve, reject) => {
      const attempt = Object.assign(Object.create(this.strategy) as LocalStrategy, {
        success: resolve,
        fail: () => reject(new Problem('credentials_invalid')),
        error: reject,
      });
      attempt.authenticate({ body, party } as unknown as Parameters<LocalStrategy['authenticate']>[0]);
    });
  }
}
