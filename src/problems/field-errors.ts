import type { z } from 'zod';

/**
 * Codes of the entries of `errors`, with their meanings. A code is stable: it may be added, never renamed or reused.
 * `docs/problems.md` lists the same codes.
 */
export const FIELD_ERRORS = {
  required: 'The member is missing or empty',
  invalid_type: 'The member has another JSON type',
  invalid_format: 'The text does not have the required format',
  too_short: 'The text has too few characters',
  too_long: 'The text has too many characters',
  out_of_range: 'The number is too small or too large',
  not_allowed: 'The value is not in the list of allowed values',
  unknown_member: 'The object has a member that the schema does not have',
  blank: 'The text has no visible character',
  invalid_characters: 'The text has characters that cannot be stored or shown',
  not_ascii: 'The local part of the e-mail address has characters beyond ASCII',
  too_common: 'The password is on the list of common passwords',
  matches_account: 'The password is the e-mail address or the nickname of the account',
  unchanged: 'The new password is the current password',
  invalid_cursor: 'The cursor does not belong to this list',
  no_changes: 'The object has no member, so there is nothing to change',
  invalid: 'The value is not valid for another reason',
} as const satisfies Record<string, string>;

export type FieldErrorCode = keyof typeof FIELD_ERRORS;

/** Options of a zod `refine` whose issue has this code and this message. */
export function fieldIssue(code: FieldErrorCode, message: string) {
  return { error: message, params: { code } };
}

/** Returns the code of a zod issue. `isMissing` tells that the request has no value at the path of the issue. */
export function codeOfIssue(issue: z.core.$ZodIssue, isMissing: boolean): FieldErrorCode {
  switch (issue.code) {
    case 'invalid_type':
      return isMissing ? 'required' : 'invalid_type';
    case 'invalid_format':
      return 'invalid_format';
    case 'invalid_value':
      return isMissing ? 'required' : 'not_allowed';
    case 'too_small':
      if (issue.origin !== 'string') return 'out_of_range';
      return issue.minimum === 1 ? 'required' : 'too_short';
    case 'too_big':
      return issue.origin === 'string' ? 'too_long' : 'out_of_range';
    case 'unrecognized_keys':
      return 'unknown_member';
    case 'custom':
      return isFieldErrorCode(issue.params?.['code']) ? issue.params['code'] : 'invalid';
    case 'invalid_element':
    case 'invalid_key':
    case 'invalid_union':
    case 'not_multiple_of':
      return 'invalid';
  }
}

function isFieldErrorCode(code: unknown): code is FieldErrorCode {
  return typeof code === 'string' && Object.hasOwn(FIELD_ERRORS, code);
}
