import { StandardSchemaValidationPipe } from '@nestjs/common';
import { MOST_ERRORS } from './problem-body.js';
import { Problem } from './problem.js';

/** Checks every `@Body({ schema })`, `@Query({ schema })` and `@Param({ schema })`; throws `validation_failed` with a pointer each. */
export const validation = new StandardSchemaValidationPipe({
  exceptionFactory: (issues) =>
    new Problem('validation_failed', {
      errors: issues.slice(0, MOST_ERRORS).map((issue) => ({
        pointer: (issue.path ?? []).map((part) => `/${escapePointer(part)}`).join(''),
        detail: issue.message,
      })),
    }),
});

/** RFC 6901 §3: `~` and `/` are the two characters with a meaning. */
function escapePointer(part: PropertyKey | { key: PropertyKey }): string {
  const key = String(typeof part === 'object' ? part.key : part);
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
