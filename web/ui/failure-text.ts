import type { FieldErrorCode } from '../../src/problems/field-errors.js';
import { Failure } from '../../client/src/index.js';
import type { Words } from '../i18n/en.js';
import { textFor } from '../i18n/text-for.js';

/** Returns the text for a failed call. Throws errors other than {@link Failure}, since they are bugs of the page. */
export function failureText(error: unknown, words: Words): string {
  if (!(error instanceof Failure)) throw error;
  if (error.code === 'too_many_attempts' && error.retryAfter !== undefined) {
    return words.waitSeconds(error.retryAfter);
  }
  return textFor(words.problems, error.code) ?? words.problems.other;
}

type FieldWord = keyof Words['fields'];

/** Texts for codes that mean the same for every member. */
const BY_CODE: Partial<Record<FieldErrorCode, FieldWord>> = {
  blank: 'invisible',
  invalid_characters: 'unusable',
  not_ascii: 'emailAscii',
  too_common: 'passwordCommon',
  matches_account: 'passwordOwn',
  unchanged: 'passwordSame',
};

/** Texts for the other codes, by JSON pointer and by code. */
const BY_MEMBER: Record<string, Partial<Record<FieldErrorCode, FieldWord>> & { readonly other: FieldWord }> =
  {
    '/email': { other: 'email' },
    '/password': {
      required: 'passwordMissing',
      too_short: 'passwordLength',
      too_long: 'passwordLength',
      other: 'password',
    },
    '/newPassword': { other: 'passwordLength' },
    '/currentPassword': { other: 'passwordMissing' },
    '/nickname': { other: 'nickname' },
    '/title': { other: 'title' },
    '/body': { other: 'body' },
    '/avatarUrl': { other: 'avatarUrl' },
    '/bio': { other: 'bio' },
  };

/** Returns the text below a field of a form; undefined if the server does not name the field in `errors`. */
export function fieldText(name: string, error: unknown, words: Words): string | undefined {
  if (!(error instanceof Failure)) return undefined;
  const pointer = `/${name}`;
  const wrong = error.errors.find((each) => each.pointer === pointer);
  if (wrong === undefined) return undefined;
  const code = wrong.code as FieldErrorCode;
  const member = BY_MEMBER[pointer];
  return words.fields[BY_CODE[code] ?? member?.[code] ?? member?.other ?? 'other'];
}
