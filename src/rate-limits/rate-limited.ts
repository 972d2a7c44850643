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

/** Rate limit of a route, and a condition for the requests that count. */
interface Counted {
  readonly name: RateLimitName;
  readonly when?: ((request: FastifyRequest) => boolean) | undefined;
}

/** Member of an OpenAPI operation that names its limit, as in docs/costs.md. */
const RATE_LIMIT_EXTENSION = 'x-rate-limit';

/** Counts requests before their controllers run. */
@Injectable()
class RateLimitGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly limits: RateLimits,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const { name, when } = this.reflector.get<Counted>(COUNTED, context.getHandler());
    if (when?.(context.switchToHttp().getRequest<FastifyRequest>()) ?? true) {
      await this.limits.hit(name, subjectOf(context));
    }
    return true;
  }
}

/** Documents a rate limit that the handler counts itself, for instance because a repeated call does not count. */
export const CountsAs = (name: RateLimitName): MethodDecorator =>
  applyDecorators(ApiExtension(RATE_LIMIT_EXTENSION, name), ApiProblems('too_many_attempts'));

/**
 * Rate limit of a route (429 `too_many_attempts`), checked before validation, so that a refusal is cheap. Nest runs the guards of the
 * lowest decorator first: `@UseGuards(CsrfGuard)` stands below this one, so that requests that it refuses do not count.
 */
export const RateLimited = (name: RateLimitName, when?: Counted['when']): MethodDecorator =>
  applyDecorators(
    SetMetadata(COUNTED, { name, when } satisfies Counted),
    UseGuards(RateLimitGuard),
    CountsAs(name),
  );

/** {@link RateLimitSubject} of this request. */
export const CurrentRateLimitSubject = createParamDecorator((_: unknown, context: ExecutionContext) =>
  subjectOf(context),
);

function subjectOf(context: ExecutionContext): RateLimitSubject {
  const { actor, ip } = context.switchToHttp().getRequest<FastifyRequest>();
  return { own: actor?.accountId ?? clientOf(ip), address: ip };
}
