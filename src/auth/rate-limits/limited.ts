import {
  applyDecorators,
  Injectable,
  SetMetadata,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { ApiExtension } from '../../openapi/decorators.js';
import { ApiProblems } from '../../openapi/responses.js';
import { RATE_LIMIT_EXTENSION } from '../../rate-limits/rate-limited.js';
import { LoginRateLimits, type RateLimitedRoute } from './limits.js';

const LIMIT = 'limit';

/** Lets a client in as often as {@link LoginRateLimits} says. */
@Injectable()
export class LoginRateLimitGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly limits: LoginRateLimits,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const route = this.reflector.get<RateLimitedRoute>(LIMIT, context.getHandler());
    await this.limits.hit(route, context.switchToHttp().getRequest<FastifyRequest>().ip);
    return true;
  }
}

/** Limits how often one client may use a route (429 `too_many_attempts`). */
export const LoginRateLimited = (route: RateLimitedRoute): MethodDecorator =>
  applyDecorators(
    SetMetadata(LIMIT, route),
    UseGuards(LoginRateLimitGuard),
    ApiExtension(RATE_LIMIT_EXTENSION, route),
    ApiProblems('too_many_attempts'),
  );
