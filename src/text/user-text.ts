import { z } from 'zod';
import { fieldIssue } from '../problems/field-errors.js';
import { firstGraphemes, graphemeCount, hasLongerGrapheme } from './graphemes.js';

/**
 * Largest number of code points in a character. The longest emoji have 11, and syllables of Indic and Tibetan scripts about
 * as many. Longer ones are combining marks, which cover neighbouring lines.
 */
const MAX_CODE_POINTS_PER_CHARACTER = 16;

/** Longer run of combining marks than in Stream-Safe Text (UAX #15). Normalisation takes quadratic time for a run. */
const ENDLESS_MARKS = /\p{M}{31}/u;

/** NUL, which PostgreSQL cannot store, and lone surrogates, which UTF-8 cannot encode. */
const NOT_STORABLE = /[\0\p{Cs}]/u;

/**
 * A code point with a glyph. White space, fillers such as U+3164, format and control characters, combining marks without a
 * base, and the blank symbols of Braille, music and hieroglyphs have none.
 */
const VISIBLE =
  /[^\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\p{M}\u2800\u{1d159}\u{13441}\u{13442}]/u;

/** Line breaks and other control characters, controls of the text direction, private use and noncharacters. */
const NOT_IN_LINES = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\p{Co}\p{Noncharacter_Code_Point}]/u;

/**
 * Invisible characters without effect between letters: zero width space, soft hyphen, byte order mark, Hangul fillers.
 * Joiners and variation selectors stay, because emoji and some scripts need them.
 */
const REMOVED_FROM_LINES =
  /(?![\u200c-\u200d\u202a-\u202e\u2066-\u2069\u{e0020}-\u{e007f}])(?=\p{Default_Ignorable_Code_Point})[\p{Cf}\p{Cn}\u3164\uffa0]/gu;
/** A flag written with tags (UTS #51, ED-14a), or a tag outside a flag. */
const TAGS = /\u{1f3f4}[\u{e0020}-\u{e007e}]{1,14}\u{e007f}|[\u{e0020}-\u{e007f}]/gu;

const NOT_BLANK = fieldIssue('blank', 'must have something to see');

/** Text that PostgreSQL can store, unchanged. */
export const storableText = z.string().refine((value) => !NOT_STORABLE.test(value), {
  ...fieldIssue('invalid_characters', 'must be well-formed text without NUL'),
  abort: true,
});

/** Returns a schema for text of `min` to `max` characters (extended grapheme clusters), in Unicode Normalization Form C. */
export function text(min: number, max: number): z.ZodString {
  return bounded(min, max);
}

/** Like {@link text}, with at least one visible character. */
export function visibleText(min: number, max: number): z.ZodString {
  return text(min, max).refine((value) => VISIBLE.test(value), NOT_BLANK);
}

/** Like {@link visibleText}, or empty. White space alone becomes the empty string. */
export function optionalText(max: number): z.ZodString {
  return text(0, max)
    .overwrite((value) => (value.trim() === '' ? '' : value))
    .refine((value) => value === '' || VISIBLE.test(value), NOT_BLANK);
}

/** Returns a schema for names and titles: one line of `min` to `max` characters, without invisible characters and outer white space. */
export function line(min: number, max: number): z.ZodString {
  return bounded(min, max, { prepare: withoutInvisible, finish: (value) => value.trim() })
    .refine(
      (value) => !NOT_IN_LINES.test(value),
      fieldIssue('invalid_characters', 'must be one line without control or private-use characters'),
    )
    .refine((value) => VISIBLE.test(value), NOT_BLANK);
}

/** Public name of a user. */
export const nickname = line(2, 20).meta({ example: 'Mina' });

/**
 * Returns the first `max` characters of a text as one line: line breaks become spaces, and characters that {@link line}
 * refuses are dropped. Text with long runs of combining marks becomes empty.
 */
export function toLine(text: string, max: number): string {
  const allowed = text
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .replace(new RegExp(NOT_IN_LINES, 'gu'), '')
    .replace(/\p{Cs}/gu, '');
  const visible = withoutInvisible(allowed);
  if (ENDLESS_MARKS.test(visible)) return '';
  return firstGraphemes(visible.normalize('NFC').trim(), max).trim();
}

function withoutInvisible(line: string): string {
  return line
    .replace(REMOVED_FROM_LINES, '')
    .replace(TAGS, (tags) => (tags.startsWith('\u{1f3f4}') ? tags : ''));
}

/** Returns a check for `superRefine` that a text has `min` to `max` characters, as `lengthOf` counts them. */
export function lengthCheck(lengthOf: (value: string) => number, min: number, max: number) {
  const message = `must have ${min} to ${max} characters`;
  return (value: string, context: z.RefinementCtx<string>): void => {
    const length = lengthOf(value);
    if (length < min) context.addIssue({ code: 'too_small', origin: 'string', minimum: min, message });
    if (length > max) context.addIssue({ code: 'too_big', origin: 'string', maximum: max, message });
  };
}

/** Steps before and after the normalisation. */
interface Steps {
  readonly prepare?: (value: string) => string;
  readonly finish?: (value: string) => string;
}

function bounded(
  min: number,
  max: number,
  { prepare = (value) => value, finish = (value) => value }: Steps = {},
): z.ZodString {
  const tooLong = fieldIssue(
    'invalid_characters',
    `must not have more than ${MAX_CODE_POINTS_PER_CHARACTER} code points in one character`,
  );
  return storableText
    .overwrite(prepare)
    .refine((value) => !ENDLESS_MARKS.test(value), { ...tooLong, abort: true })
    .overwrite((value) => finish(value.normalize('NFC')))
    .superRefine(lengthCheck(graphemeCount, min, max))
    .refine((value) => !hasLongerGrapheme(value, MAX_CODE_POINTS_PER_CHARACTER), tooLong)
    .meta({
      minLength: min,
      // JSON Schema counts code points.
      maxLength: max * MAX_CODE_POINTS_PER_CHARACTER,
      description: `${min} to ${max} characters, counted in extended grapheme clusters.`,
    });
}
