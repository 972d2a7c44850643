import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ApiHeader } from '../openapi/decorators.js';
import { Problem } from '../problems/problem.js';

const NAME = 'Idempotency-Key';

/** The `Idempotency-Key` of a call, or undefined. @throws {Problem} `validation_failed`. */
export const IdempotencyKey = createParamDecorator((_: unknown, context: ExecutionContext) => {
  const key = context.switchToHttp().getRequest<FastifyRequest>().headers[NAME.toLowerCase()];
  if (key === undefined || (typeof key === 'string' && /^[\x21-\x7e]{1,200}$/.test(key))) return key;
  const detail = 'must be 1 to 200 visible ASCII characters';
  throw new Problem('validation_failed', {
    errors: [{ pointer: `/${NAME}`, code: 'invalid_format', detail }],
  });
});

/** Says in the documentation that a call takes one. */
export const TakesIdempotencyKey = () =>
  ApiHeader({
    name: NAME,
    required: false,
    description: 'Anything unique, such as a UUID. A repeat within a day answers what the first call did.',
    schema: { type: 'string', minLength: 1, maxLength: 200 },
  });
