import { createParamDecorator, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Problem } from '../../problems/problem.js';
import { validation } from '../../problems/validation.js';
import type { Account } from '../account.entity.js';
import { Limits } from '../limits/limits.js';
import { credentials, type Credentials } from './credentials.js';
import { LocalStrategy } from './local.strategy.js';

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
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    // Guards run before pipes, and nothing malformed is worth a hash.
    const body: unknown = await validation.transform(request.body, { type: 'body', schema: credentials });
    const attempt = await this.limits.logIn((body as Credentials).email, request.ip);
    request.provenAccount = await this.authenticate(body);
    await attempt.succeeded();
    return true;
  }

  /** Passport gives a strategy its outcomes as methods, on an object for this attempt alone. */
  private authenticate(body: unknown): Promise<Account> {
    return new Promise((resolve, reject) => {
      const attempt = Object.assign(Object.create(this.strategy) as LocalStrategy, {
        success: resolve,
        fail: () => reject(new Problem('credentials_invalid')),
        error: reject,
      });
      attempt.authenticate({ body } as Parameters<LocalStrategy['authenticate']>[0]);
    });
  }
}
