import { dictionary } from '@zxcvbn-ts/language-common';

/** Common passwords with at least the minimum length of a password: about 18,000. */
const COMMON: ReadonlySet<string> = new Set(
  dictionary['passwords-common']
    .filter((password) => password.length >= 8)
    .map((password) => password.toLowerCase()),
);

/** Returns whether a password is a common one, in any case and width (OWASP ASVS 5.0, 6.2.4). */
export function isCommon(password: string): boolean {
  return COMMON.has(password.normalize('NFKC').toLowerCase());
}
