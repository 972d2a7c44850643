import { applyDecorators, HttpCode } from '@nestjs/common';
import { RouteSchema } from '@nestjs/platform-fastify';
import { z } from 'zod';
import { problemResponse } from './problem-responses.js';
import { ApiResponse } from './decorators.js';
import { PROBLEMS, type ProblemCode } from '../problems/catalogue.js';

/**
 * Declares the successful response of a route: its status, its schema for OpenAPI, and a compiled serialiser that writes
 * declared members only. Without a schema the response has no body.
 */
export function Returns(status: number, schema: z.ZodType | undefined, description: string): MethodDecorator {
  const documented = ApiResponse({ status, description, standardSchema: schema });
  if (schema === undefined) return applyDecorators(HttpCode(status), documented);
  const response = { [status]: z.toJSONSchema(schema, { target: 'draft-7', io: 'output' }) };
  return applyDecorators(HttpCode(status), documented, RouteSchema({ response }));
}

/** Documents the problems of a route, in addition to the ones that every route may respond with. */
export function ApiProblems(...codes: ProblemCode[]): MethodDecorator & ClassDecorator {
  const statuses = new Set(codes.map((code) => PROBLEMS[code].status));
  return applyDecorators(
    ...[...statuses].map((status) =>
      ApiResponse({ status, ...problemResponse(codes.filter((code) => PROBLEMS[code].status === status)) }),
    ),
  );
}
