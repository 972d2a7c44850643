import type { ApiResponseNoStatusOptions } from '@nestjs/swagger';
import { PROBLEMS, type ProblemCode } from '../problems/catalogue.js';
import type { ProblemBody } from '../problems/problem-body.js';

const PROBLEM = { $ref: '#/components/schemas/Problem' };

/** Returns the response for problems of the same status. */
export function problemResponse(codes: readonly ProblemCode[]): ApiResponseNoStatusOptions {
  return {
    description: codes.map((code) => `\`${code}\`: ${PROBLEMS[code].title}`).join('<br>'),
    content: {
      'application/problem+json': {
        schema: PROBLEM,
        examples: Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }])),
      },
    },
  };
}

/** Returns examples of problem bodies, by code. */
export function problemExamples(
  codes: Iterable<ProblemCode>,
): Record<string, { summary: string; value: ProblemBody }> {
  return Object.fromEntries(
    Array.from(codes, (code) => {
      const { title, status } = PROBLEMS[code];
      const value: ProblemBody = {
        type: `urn:daemun:problem:${code}`,
        title,
        status,
        code,
        instance: '/the/path',
        requestId: '3f0c8a52-5f0e-4d0c-9d8b-6f3b0f1f7c11',
        ...(code === 'validation_failed' && {
          errors: [{ pointer: '/email', code: 'invalid_format', detail: 'must be an e-mail address' }],
        }),
      };
      return [code, { summary: title, value }];
    }),
  );
}
