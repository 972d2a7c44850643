import { StandardSchemaValidationPipe } from '@nestjs/common';
import type { z } from 'zod';
import { codeOfIssue } from './field-errors.js';
import { MAX_ERRORS, type FieldError } from './problem-body.js';
import { Problem } from './problem.js';

/**
 * Validates `@Body({ schema })`, `@Query({ schema })` and `@Param({ schema })` with zod.
 * @throws {Problem} `validation_failed` with an entry of `errors` for each issue.
 */
class ValidationPipe extends StandardSchemaValidationPipe {
  protected override async validate<T>(value: unknown, schema: z.ZodType) {
    const result = await super.validate<T>(value, schema);
    if (result.issues === undefined) return result;
    // Issues of zod have more members than those of Standard Schema.
    const issues = result.issues.slice(0, MAX_ERRORS) as unknown as readonly z.core.$ZodIssue[];
    throw new Problem('validation_failed', { errors: issues.map((issue) => fieldErrorOf(issue, value)) });
  }
}

export const validation = new ValidationPipe();

function fieldErrorOf(issue: z.core.$ZodIssue, value: unknown): FieldError {
  return {
    pointer: issue.path.map((key) => `/${escapePointer(String(key))}`).join(''),
    code: codeOfIssue(issue, valueAt(issue.path, value) === undefined),
    detail: issue.message,
  };
}

function valueAt(path: readonly PropertyKey[], value: unknown): unknown {
  return path.reduce<unknown>((parent, key) => (parent as Record<PropertyKey, unknown> | null)?.[key], value);
}

/** RFC 6901 §3: `~` and `/` are the two characters with a meaning. */
function escapePointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
