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
 * Bulkhead of logins that read the database. Its concurrency is above that of the hashes (password-hashes.ts), so that the
 * next account is read while a hash is computed.
 */
const LOGINS = { concurrency: 4, queue: 64, reserved: 32 };

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by {@link LocalGuard}: the account of the address and the password. */
    provenAccount?: Account;
  }
}

/** {@link Account} of the address and the password of the request. Requires {@link LocalGuard}. */
export const ProvenAccount = createParamDecorator(
  (_: unknown, context: ExecutionContext) =>
    context.switchToHttp().getRequest<FastifyRequest>().provenAccount,
);

/**
 * Guard of the login with an address and a password. It runs the injected strategy, because Passport's registry is shared by
 * all applications of a process. It rethrows errors of the strategy; Nest's AuthGuard would turn an outage into a wrong password.
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
    // Guards run before pipes, and a malformed body must not cost a hash.
    const body: unknown = await validation.transform(request.body, { type: 'body', schema: credentials });
    const { email } = body as Credentials;
    const attempt = await this.limits.beginLogin(email, request.ip);
    request.provenAccount = await attempt.judge(async () => {
      const party = await this.queueShare(email, request.ip);
      return this.logins.run(() => this.authenticate(body, party), party);
    });
    return true;
  }

  /** Returns the share of the queue: a reserved place for a client from which the account has logged in before. */
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
