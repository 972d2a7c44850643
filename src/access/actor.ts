import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/** Caller of a request, from its access token. First argument of the service methods that depend on it. */
export interface Actor {
  readonly accountId: string;
  readonly sessionId: string;
  readonly roles: readonly string[];
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the access guard for a request with a valid access token. */
    actor?: Actor;
  }
}

/** {@link Actor} of this request. It may be undefined on a route with `@OptionalActor()`. */
export const CurrentActor = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<FastifyRequest>().actor,
);
