import { createParamDecorator, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { DataSource } from 'typeorm';
import { databaseBulkhead } from '../../database/pool-share.js';
import { Problem } from '../../problems/problem.js';
import { validation } from '../../problems/validation.js';
import { Bulkhead, type QueueShare } from '../../concurrency/bulkhead.js';
import type { Account } from '../accounts/account.entity.js';
import { clientOf, routedNetworkOf } from '../../rate-limits/client-address.js';
import { runStrategy } from '../login/run-strategy.js';
import { KnownClients } from '../rate-limits/known-clients.js';
import { LoginRateLimits } from '../rate-limits/login-rate-limits.js';
import { credentials, type Credentials } from './schemas.js';
import { LocalStrategy } from './local.strategy.js';
import { PasswordHashes } from './password-hashes.js';

/**
 * Bulkhead of logins. Its concurrency exceeds that of `PasswordHashes`, so that the next account has been read when a hash
 * ends.
 */
const LOGINS = { concurrency: 4, queue: 64, reserved: 32 };

declare module 'fastify' {
  interface FastifyRequest {
    /** Account whose address and password the request has; set by {@link LocalGuard}. */
    provenAccount?: Account;
  }
}

/** The {@link Account} that {@link LocalGuard} has found. */
export const ProvenAccount = createParamDecorator(
  (_: unknown, context: ExecutionContext) =>
    context.switchToHttp().getRequest<FastifyRequest>().provenAccount,
);

/**
 * Admits requests with the address and password of an account. Unlike the guard of @nestjs/passport, it passes on the errors
 * of the strategy, so that an outage is not answered as a wrong password.
 */
@Injectable()
export class LocalGuard implements CanActivate {
  private readonly logins = new Bulkhead(LOGINS, 'a login');
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
    // Guards run before pipes; a malformed body is refused before a password is hashed.
    const body: unknown = await validation.transform(request.body, { type: 'body', schema: credentials });
    const { email } = body as Credentials;
    const attempt = await this.limits.beginLogin(email, request.ip);
    request.provenAccount = await attempt.judge(async () => {
      const share = await this.queueShare(email, request.ip);
      return this.logins.run(() => this.authenticate(body, share), share);
    });
    return true;
  }

  /** Share of the queues: a client from which the account has logged in before waits in the reserved queues. */
  private async queueShare(email: string, address: string): Promise<QueueShare> {
    const network = { key: routedNetworkOf(address) };
    if (this.logins.load.waiting + this.hashes.load.waiting === 0) return network;
    const reserved = await this.lookUps.run(() => this.knownClients.has(email, clientOf(address)), network);
    return { ...network, reserved };
  }

  private async authenticate(body: unknown, share: QueueShare): Promise<Account> {
    const request = { body, share } as unknown as Parameters<LocalStrategy['authenticate']>[0];
    const outcome = await runStrategy(this.strategy, request, undefined);
    if (outcome.action !== 'success') throw new Problem('credentials_invalid');
    return outcome.user as Account;
  }
}
