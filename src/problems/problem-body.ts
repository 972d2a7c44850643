import { z } from 'zod';
import { PROBLEMS, type ProblemCode } from './catalogue.js';
import { FIELD_ERRORS, type FieldErrorCode } from './field-errors.js';

/** Members that an answer names at most. */
export const MOST_ERRORS = 20;

/** One member of the request that is wrong. */
const fieldError = z.object({
  pointer: z.string().meta({ description: 'Which member is wrong: an RFC 6901 pointer.', example: '/email' }),
  code: z
    .enum(Object.keys(FIELD_ERRORS) as [FieldErrorCode, ...FieldErrorCode[]])
    .meta({ description: 'Stable: programs should decide by it.', example: 'invalid_format' }),
  detail: z.string().meta({ example: 'must be an e-mail address' }),
});
export type FieldError = Readonly<z.output<typeof fieldError>>;

/** What every error looks like on the wire: a problem of RFC 9457, with a stable `code`. */
export const problemBody = z
  .object({
    type: z.string().meta({ example: 'urn:daemun:problem:validation_failed' }),
    title: z.string(),
    status: z.int().min(400).max(599),
    code: z
      .enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]])
      .meta({ description: 'Stable: programs should decide by it, and by nothing else here.' }),
    detail: z.string().optional().meta({ description: 'What is special about this occurrence.' }),
    instance: z.string().meta({ description: 'The path that was asked for.' }),
    requestId: z.string().meta({ description: 'Under which the log knows it; also in `X-Request-Id`.' }),
    errors: z
      .array(fieldError)
      .max(MOST_ERRORS)
      .readonly()
      .optional()
      .meta({ description: 'The members of the request that are wrong.' }),
  })
  .meta({ id: 'Problem' });
export type ProblemBody = z.output<typeof problemBody>;
