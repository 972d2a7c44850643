import { z } from 'zod';

/** Two lines, or text that shows itself in another order than it is written: no name or title needs these. */
const NOT_ON_ONE_LINE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;
/** Something that can be seen: neither white space nor a filler such as U+3164, with which names are made to look empty. */
const VISIBLE = /[^\p{White_Space}\p{Default_Ignorable_Code_Point}]/u;

/**
 * What a person wrote, kept exactly as it is: `least` to `most` characters, counted in code points as JSON Schema does.
 * PostgreSQL cannot store NUL, and half of a surrogate pair would come back as something else: both are refused.
 */
export function text(least: number, most: number): z.ZodString {
  return bounded(z.string(), least, most);
}

/** A name or a title: one visible line of `least` to `most` characters, without the white space around it. */
export function line(least: number, most: number): z.ZodString {
  return bounded(z.string().trim(), least, most)
    .refine((value) => !NOT_ON_ONE_LINE.test(value), 'must be one line without control characters')
    .refine((value) => VISIBLE.test(value), 'must have something to see');
}

/** Like {@link text}, with something in it that can be seen. */
export function visibleText(least: number, most: number): z.ZodString {
  return text(least, most).refine((value) => VISIBLE.test(value), 'must have something to see');
}

/** What people call themselves. */
export const nickname = line(2, 20).meta({ example: 'Mina' });

function bounded(string: z.ZodString, least: number, most: number): z.ZodString {
  return string
    .refine((value) => {
      const { length } = Array.from(value);
      return length >= least && length <= most;
    }, `must have ${least} to ${most} characters`)
    .refine((value) => !value.includes('\0') && !/\p{Cs}/u.test(value), {
      error: 'must be well-formed text without NUL',
      abort: true,
    })
    .meta({ minLength: least, maxLength: most });
}
