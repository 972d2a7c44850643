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
import { ApiExtension } from '../../openapi-decorators.js';
import { Fails } from '../../openapi.js';
import { RATE_LIMIT_EXTENSION } from '../../rate-limits/rate-limited.js';
import { Limits, type LimitedRoute } from './limits.js';

const LIMIT = 'limit';

/** Lets a client in as often as {@link Limits} says. */
@Injectable()
export class LimitGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly limits: Limits,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const route = this.reflector.get<LimitedRoute>(LIMIT, context.getHandler());
    await this.limits.visit(route, context.switchToHttp().getRequest<FastifyRequest>().ip);
    return true;
  }
}

/** Limits how often one client may use a route (429 `too_many_attempts`). */
export const Limited = (route: LimitedRoute): MethodDecorator =>
  applyDecorators(
    SetMetadata(LIMIT, route),
    UseGuards(LimitGuard),
    ApiExtension(RATE_LIMIT_EXTENSION, route),
    Fails('too_many_attempts'),
  );
