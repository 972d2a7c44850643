import { z } from 'zod';
import { PROBLEMS, type ProblemCode } from './catalogue.js';
import { FIELD_ERRORS, type FieldErrorCode } from './field-errors.js';

export const MAX_ERRORS = 20;

/** Invalid member of a request. */
const fieldError = z.object({
  pointer: z
    .string()
    .meta({ description: 'JSON pointer (RFC 6901) to the invalid member.', example: '/email' }),
  code: z
    .enum(Object.keys(FIELD_ERRORS) as [FieldErrorCode, ...FieldErrorCode[]])
    .meta({ description: 'Stable: programs should decide by it.', example: 'invalid_format' }),
  detail: z.string().meta({ example: 'must be an e-mail address' }),
});
export type FieldError = Readonly<z.output<typeof fieldError>>;

/** Body of every error response: a problem (RFC 9457) with a stable `code`. */
export const problemBody = z
  .object({
    type: z.string().meta({ example: 'urn:daemun:problem:validation_failed' }),
    title: z.string(),
    status: z.int().min(400).max(599),
    code: z
      .enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]])
      .meta({ description: 'Stable. Programs should distinguish problems by it only.' }),
    detail: z.string().optional().meta({ description: 'Explanation of this occurrence.' }),
    instance: z.string().meta({ description: 'Path of the request.' }),
    requestId: z.string().meta({ description: 'Id of the request in the log; also in `X-Request-Id`.' }),
    errors: z
      .array(fieldError)
      .max(MAX_ERRORS)
      .readonly()
      .optional()
      .meta({ description: 'Invalid members of the request.' }),
  })
  .meta({ id: 'Problem' });
export type ProblemBody = z.output<typeof problemBody>;
