import { Failure } from '../../client/src/index.js';
import type { Words } from '../i18n/en.js';

/** What went wrong, for a person. Errors that are no {@link Failure} are mistakes of ours, and thrown on. */
export function failureText(error: unknown, words: Words): string {
  if (!(error instanceof Failure)) throw error;
  if (error.code === 'too_many_attempts' && error.retryAfter !== undefined) {
    return words.waitSeconds(error.retryAfter);
  }
  return words.problems[error.code] ?? words.problems.other;
}

/** Stands for every member. */
const ANY = '*';

/** What the server says about a member, by what it means; the first that fits. */
const MEANINGS: readonly (readonly [string, RegExp, (fields: Words['fields']) => string])[] = [
  [ANY, /something to see/, (fields) => fields.invisible],
  [ANY, /code points|control|well-formed/, (fields) => fields.unusable],
  ['/email', /ASCII/, (fields) => fields.emailAscii],
  ['/email', /./, (fields) => fields.email],
  ['/newPassword', /common/, (fields) => fields.passwordCommon],
  ['/newPassword', /address|nickname/, (fields) => fields.passwordOwn],
  ['/newPassword', /./, (fields) => fields.passwordLength],
  ['/password', /common/, (fields) => fields.passwordCommon],
  ['/password', /address|nickname/, (fields) => fields.passwordOwn],
  ['/password', /\b1 to\b/, (fields) => fields.passwordMissing],
  ['/password', /characters/, (fields) => fields.passwordLength],
  ['/password', /./, (fields) => fields.password],
  ['/currentPassword', /./, (fields) => fields.passwordMissing],
  ['/nickname', /./, (fields) => fields.nickname],
  ['/title', /./, (fields) => fields.title],
  ['/body', /./, (fields) => fields.body],
  ['/avatarUrl', /./, (fields) => fields.avatarUrl],
  ['/bio', /./, (fields) => fields.bio],
];

/** What is wrong with a field of a form, if anything is. */
export function fieldText(name: string, error: unknown, words: Words): string | undefined {
  if (!(error instanceof Failure)) return undefined;
  const pointer = `/${name}`;
  const wrong = error.errors.find((each) => each.pointer === pointer);
  if (wrong === undefined) return undefined;
  const meaning = MEANINGS.find(
    ([field, pattern]) => (field === ANY || field === pointer) && pattern.test(wrong.detail),
  );
  return meaning === undefined ? words.fields.other : meaning[2](words.fields);
}
