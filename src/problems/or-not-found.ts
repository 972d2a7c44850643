import type { PipeTransform } from '@nestjs/common';
import type { z } from 'zod';
import type { ProblemCode } from './catalogue.js';
import { Problem } from './problem.js';

/** Returns a pipe for `@Param()`: a malformed parameter gives the same 404 as an unknown one. */
export function orNotFound<T>(schema: z.ZodType<T>, code: ProblemCode): PipeTransform<unknown, T> {
  return {
    transform: (value) => {
      const parsed = schema.safeParse(value);
      if (!parsed.success) throw new Problem(code, { reason: 'malformed' });
      return parsed.data;
    },
  };
}
