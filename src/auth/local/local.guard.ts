import { createParamDecorator, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Problem } from '../../problems/problem.js';
import { validation } from '../../problems/validation.js';
import type { Party } from '../../turns.js';
import type { Account } from '../account.entity.js';
import { clientOf, routedNetworkOf } from '../../rate-limits/client-address.js';
import { KnownClients } from '../limits/known-clients.js';
import { Limits } from '../limits/limits.js';
import { credentials, type Credentials } from './credentials.js';
import { LocalStrategy } from './local.strategy.js';
import { PasswordHashes } from './password-hashes.js';

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
  constructor(
    private readonly strategy: LocalStrategy,
    private readonly limits: Limits,
    private readonly hashes: PasswordHashes,
    private readonly knownClients: KnownClients,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    // Guards run before pipes, and nothing malformed is worth a hash.
    const body: unknown = await validation.transform(request.body, { type: 'body', schema: credentials });
    const { email } = body as Credentials;
    const attempt = await this.limits.logIn(email, request.ip);
    request.provenAccount = await attempt.judge(async () =>
      this.authenticate(body, await this.party(email, request.ip)),
    );
    return true;
  }

  /** A client from which the account has logged in before waits in the reserved places of a queue that is in use. */
  private async party(email: string, address: string): Promise<Party> {
    const busy = this.hashes.load.waiting > 0;
    const reserved = busy && (await this.knownClients.has(email, clientOf(address)));
    return { key: routedNetworkOf(address), reserved };
  }

  /** Passport gives a strategy its outcomes as methods, on an object for this attempt alone. */
  private authenticate(body: unknown, party: Party): Promise<Account> {
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
