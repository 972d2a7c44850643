import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ApiHeader } from '../openapi/decorators.js';
import { Problem } from '../problems/problem.js';

const NAME = 'Idempotency-Key';

/** Injects the `Idempotency-Key` of a request, or undefined. @throws {Problem} `validation_failed`. */
export const IdempotencyKey = createParamDecorator((_: unknown, context: ExecutionContext) => {
  const key = context.switchToHttp().getRequest<FastifyRequest>().headers[NAME.toLowerCase()];
  if (key === undefined || (typeof key === 'string' && /^[\x21-\x7e]{1,200}$/.test(key))) return key;
  const detail = 'must be 1 to 200 visible ASCII characters';
  throw new Problem('validation_failed', {
    errors: [{ pointer: `/${NAME}`, code: 'invalid_format', detail }],
  });
});

/** Documents the header `Idempotency-Key` in OpenAPI. */
export const TakesIdempotencyKey = () =>
  ApiHeader({
    name: NAME,
    required: false,
    description:
      'A unique value, such as a UUID. Repeating the call within a day returns the response of the first call.',
    schema: { type: 'string', minLength: 1, maxLength: 200 },
  });
