import { codePointCount } from './graphemes.js';
import { lengthCheck, storableText } from './user-text.js';

const MIN_CODE_POINTS = 8;
const MAX_CODE_POINTS = 128;
/** Canonical decomposition makes at most 4 code points of one (UAX #15). */
const MAX_DECOMPOSED_CODE_POINTS = 4 * MAX_CODE_POINTS;
/** A code point has at most two UTF-16 units. */
const MAX_LENGTH = 2 * MAX_DECOMPOSED_CODE_POINTS;

const WRONG_LENGTH = `must have ${MIN_CODE_POINTS} to ${MAX_CODE_POINTS} characters`;
const WRONG_PRESENTED_LENGTH = `must have 1 to ${MAX_CODE_POINTS} characters`;

/**
 * Returns the canonical form in which passwords are hashed, compared and counted: the mappings of OpaqueString (RFC 8265,
 * 4.2), which are U+0020 for every space, and Normalization Form C. Unlike OpaqueString it refuses no code point, because
 * older passwords may have any.
 */
export function normalizePassword(password: string): string {
  return password.replace(/\p{Zs}/gu, ' ').normalize('NFC');
}

/** A new password in canonical form, without composition rules. NIST SP 800-63B, 3.1.1.2, counts code points. */
export const passwordText = storableText
  .max(MAX_LENGTH, { error: WRONG_LENGTH, abort: true })
  .overwrite(normalizePassword)
  .superRefine(lengthCheck(codePointCount, MIN_CODE_POINTS, MAX_CODE_POINTS))
  .meta({
    format: 'password',
    minLength: MIN_CODE_POINTS,
    maxLength: MAX_DECOMPOSED_CODE_POINTS,
    description: `${MIN_CODE_POINTS} to ${MAX_CODE_POINTS} code points in Unicode Normalization Form C.`,
  });

/**
 * A password to compare with a hash, as the client sent it, because older hashes are of passwords that were not normalised.
 * Longer passwords were never accepted, and are refused without hashing.
 */
export const presentedPassword = storableText
  .max(MAX_LENGTH, { error: WRONG_PRESENTED_LENGTH, abort: true })
  .superRefine(lengthCheck(presentedLength, 1, MAX_CODE_POINTS))
  .meta({ format: 'password', minLength: 1, maxLength: MAX_DECOMPOSED_CODE_POINTS });

function presentedLength(password: string): number {
  return Math.min(...[normalizePassword(password), password].map(codePointCount));
}
