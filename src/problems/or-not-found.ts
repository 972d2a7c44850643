import type { PipeTransform } from '@nestjs/common';
import type { z } from 'zod';
import type { ProblemCode } from './catalogue.js';
import { Problem } from './problem.js';

/** For `@Param()`: what does not even look like a name of ours names nothing, so it is a 404 like any other unknown name. */
export function orNotFound<T>(schema: z.ZodType<T>, code: ProblemCode): PipeTransform<unknown, T> {
  return {
    transform: (value) => {
      const parsed = schema.safeParse(value);
      if (!parsed.success) throw new Problem(code, { reason: 'malformed' });
      return parsed.data;
    },
  };
}
