import {
  applyDecorators,
  createParamDecorator,
  Injectable,
  SetMetadata,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { ApiExtension } from '../openapi/decorators.js';
import { ApiProblems } from '../openapi/responses.js';
import { clientOf } from './client-address.js';
import { RateLimits, type RateLimitName, type RateLimitSubject } from './rate-limits.js';

const COUNTED = 'rate-limit';
/** Rate limit of a route, and which of its requests count; all unless told. */
interface Counted {
  readonly name: RateLimitName;
  readonly when?: ((request: FastifyRequest) => boolean) | undefined;
}

/** The member of an operation in the OpenAPI document that names its limit; docs/costs.md lists them. */
export const RATE_LIMIT_EXTENSION = 'x-rate-limit';

/** Counts requests before their controllers. */
@Injectable()
class RateLimitGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly limits: RateLimits,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const { name, when } = this.reflector.get<Counted>(COUNTED, context.getHandler());
    if (when?.(context.switchToHttp().getRequest<FastifyRequest>()) ?? true) {
      await this.limits.hit(name, requesterOf(context));
    }
    return true;
  }
}

/** Documents a limit that the handler itself counts, for instance because a repeated call costs nothing. */
export const CountsAs = (name: RateLimitName): MethodDecorator =>
  applyDecorators(ApiExtension(RATE_LIMIT_EXTENSION, name), ApiProblems('too_many_attempts'));

/**
 * Counts requests to a route (429 `too_many_attempts`), of the account or the anonymous client and of its network: before their validation,
 * so that a refusal costs little.
 */
export const RateLimited = (name: RateLimitName, when?: Counted['when']): MethodDecorator =>
  applyDecorators(
    SetMetadata(COUNTED, { name, when } satisfies Counted),
    UseGuards(RateLimitGuard),
    CountsAs(name),
  );

/** The {@link RateLimitSubject} of this request. */
export const CurrentRateLimitSubject = createParamDecorator((_: unknown, context: ExecutionContext) =>
  requesterOf(context),
);

function requesterOf(context: ExecutionContext): RateLimitSubject {
  const { actor, ip } = context.switchToHttp().getRequest<FastifyRequest>();
  return { own: actor?.accountId ?? clientOf(ip), address: ip };
}
