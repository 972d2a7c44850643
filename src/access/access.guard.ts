import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { Problem } from '../problems/problem.js';
import type { Access } from '../openapi/operations.js';
import { ACCESS, ROLES } from './access.decorators.js';
import type { VerifiedToken } from './access-token.js';
import { RevocationCheck } from './revocation-check.js';
import { accessTokenExpired, AccessTokenVerifier } from './access-token-verifier.js';

/** Value of the `Authorization` header (RFC 6750 §2.1). */
const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i;

/** Refuses requests without a valid access token on every route that is neither `@Public()` nor `@OptionalActor()`. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly verifier: AccessTokenVerifier,
    private readonly revocations: RevocationCheck,
  ) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const targets = [context.getHandler(), context.getClass()];
    const access = this.reflector.getAllAndOverride<Access | undefined>(ACCESS, targets);
    if (access === 'public') return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const { authorization } = request.headers;
    if (authorization === undefined) {
      if (access === 'optional') return true;
      throw new Problem('access_token_missing', { headers: { 'WWW-Authenticate': 'Bearer realm="daemun"' } });
    }
    const roles = this.reflector.getAllAndOverride<readonly string[] | undefined>(ROLES, targets);
    const token = BEARER.exec(authorization)?.[1] ?? '';
    const verified = this.verifier.findVerified(token);
    if (verified !== undefined && !this.revocations.isStale) return this.admit(request, verified, roles);
    return this.verifyAndAdmit(request, token, roles);
  }

  private async verifyAndAdmit(
    request: FastifyRequest,
    token: string,
    roles: readonly string[] | undefined,
  ): Promise<true> {
    const verified = this.verifier.findVerified(token) ?? (await this.verifier.verify(token));
    await this.revocations.refresh();
    return this.admit(request, verified, roles);
  }

  private admit(request: FastifyRequest, token: VerifiedToken, roles: readonly string[] | undefined): true {
    const verdict = this.revocations.verdict(token);
    if (verdict === 'outdated') throw accessTokenExpired('the account has changed since this was issued');
    if (verdict === 'ended') {
      throw new Problem('session_ended', {
        reason: 'the session of this access token has ended',
        headers: {
          'WWW-Authenticate':
            'Bearer realm="daemun", error="invalid_token", error_description="The session has ended"',
        },
      });
    }
    request.actor = token.actor;
    if (roles !== undefined && !roles.some((role) => token.actor.roles.includes(role))) {
      throw new Problem('forbidden', { reason: `needs one of the roles ${roles.join(', ')}` });
    }
    return true;
  }
}
