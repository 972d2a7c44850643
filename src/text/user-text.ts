import { z } from 'zod';
import { fieldIssue } from '../problems/field-errors.js';
import { firstGraphemes, graphemeCount, hasLongerGrapheme } from './graphemes.js';

/**
 * Code points in one character. The longest emoji have 11, and a syllable of an Indic or Tibetan script has about as many;
 * the rest is combining marks that cover the lines around them.
 */
const MAX_CODE_POINTS_PER_CHARACTER = 16;

/** A longer run of combining marks than Stream-Safe Text has (UAX #15); the time to sort one grows with its square. */
const ENDLESS_MARKS = /\p{M}{31}/u;

/** NUL, which PostgreSQL cannot store, and unpaired surrogates, which UTF-8 cannot encode. */
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
 * Invisible characters that change nothing between two letters: zero width space, soft hyphen, byte order mark, Hangul
 * fillers. Joiners and variation selectors stay, since emoji and some scripts need them.
 */
const REMOVED_FROM_LINES =
  /(?![\u200c-\u200d\u202a-\u202e\u2066-\u2069\u{e0020}-\u{e007f}])(?=\p{Default_Ignorable_Code_Point})[\p{Cf}\p{Cn}\u3164\uffa0]/gu;
/** A flag that is written with tags (UTS #51, ED-14a), or a tag outside of one. */
const TAGS = /\u{1f3f4}[\u{e0020}-\u{e007e}]{1,14}\u{e007f}|[\u{e0020}-\u{e007f}]/gu;

const NOT_BLANK = fieldIssue('blank', 'must have something to see');

/** Text that is kept as it was sent, and can be stored. */
export const storableText = z.string().refine((value) => !NOT_STORABLE.test(value), {
  ...fieldIssue('invalid_characters', 'must be well-formed text without NUL'),
  abort: true,
});

/** Text of `least` to `most` characters (extended grapheme clusters), in Unicode Normalization Form C. */
export function text(least: number, most: number): z.ZodString {
  return bounded(least, most);
}

/** Like {@link text}, with something to see. */
export function visibleText(least: number, most: number): z.ZodString {
  return text(least, most).refine((value) => VISIBLE.test(value), NOT_BLANK);
}

/** Like {@link visibleText}, or empty: white space alone becomes the empty string. */
export function optionalText(most: number): z.ZodString {
  return text(0, most)
    .overwrite((value) => (value.trim() === '' ? '' : value))
    .refine((value) => value === '' || VISIBLE.test(value), NOT_BLANK);
}

/** A name or a title: one visible line of `least` to `most` characters, without invisible characters and outer white space. */
export function line(least: number, most: number): z.ZodString {
  return bounded(least, most, { prepare: withoutInvisible, finish: (value) => value.trim() })
    .refine(
      (value) => !NOT_IN_LINES.test(value),
      fieldIssue('invalid_characters', 'must be one line without control or private-use characters'),
    )
    .refine((value) => VISIBLE.test(value), NOT_BLANK);
}

/** The name that other people see. */
export const nickname = line(2, 20).meta({ example: 'Mina' });

/**
 * The first `most` characters of a text as one line: line breaks become spaces, and characters that {@link line} refuses are
 * dropped. Empty where combining marks pile up.
 */
export function toLine(text: string, most: number): string {
  const written = text
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .replace(new RegExp(NOT_IN_LINES, 'gu'), '')
    .replace(/\p{Cs}/gu, '');
  const visible = withoutInvisible(written);
  if (ENDLESS_MARKS.test(visible)) return '';
  return firstGraphemes(visible.normalize('NFC').trim(), most).trim();
}

function withoutInvisible(line: string): string {
  return line
    .replace(REMOVED_FROM_LINES, '')
    .replace(TAGS, (tags) => (tags.startsWith('\u{1f3f4}') ? tags : ''));
}

/** A check of `superRefine` that a text has `least` to `most` characters, as `lengthOf` counts them. */
export function lengthCheck(lengthOf: (value: string) => number, least: number, most: number) {
  const message = `must have ${least} to ${most} characters`;
  return (value: string, context: z.RefinementCtx<string>): void => {
    const length = lengthOf(value);
    if (length < least) context.addIssue({ code: 'too_small', origin: 'string', minimum: least, message });
    if (length > most) context.addIssue({ code: 'too_big', origin: 'string', maximum: most, message });
  };
}

/** Steps around the normalisation. */
interface Steps {
  readonly prepare?: (value: string) => string;
  readonly finish?: (value: string) => string;
}

function bounded(
  least: number,
  most: number,
  { prepare = (value) => value, finish = (value) => value }: Steps = {},
): z.ZodString {
  const piledUp = fieldIssue(
    'invalid_characters',
    `must not have more than ${MAX_CODE_POINTS_PER_CHARACTER} code points in one character`,
  );
  return storableText
    .overwrite(prepare)
    .refine((value) => !ENDLESS_MARKS.test(value), { ...piledUp, abort: true })
    .overwrite((value) => finish(value.normalize('NFC')))
    .superRefine(lengthCheck(graphemeCount, least, most))
    .refine((value) => !hasLongerGrapheme(value, MAX_CODE_POINTS_PER_CHARACTER), piledUp)
    .meta({
      minLength: least,
      // JSON Schema counts code points.
      maxLength: most * MAX_CODE_POINTS_PER_CHARACTER,
      description: `${least} to ${most} characters, counted in extended grapheme clusters.`,
    });
}
