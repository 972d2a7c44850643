import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/** Who is asking, as the access token says. The first argument of every service method that depends on it. */
export interface Actor {
  readonly accountId: string;
  readonly sessionId: string;
  readonly roles: readonly string[];
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the access guard where a valid access token came along. */
    actor?: Actor;
  }
}

/** The {@link Actor} of this request: always there on a guarded route, perhaps on one with `@OptionalActor()`. */
export const CurrentActor = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<FastifyRequest>().actor,
);
