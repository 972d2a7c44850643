import { dictionary } from '@zxcvbn-ts/language-common';

/** Those of our list that are long enough to be chosen at all: about 18,000. */
const COMMON: ReadonlySet<string> = new Set(
  dictionary['passwords-common']
    .filter((password) => password.length >= 8)
    .map((password) => password.toLowerCase()),
);

/** Whether attackers try this password first, in whatever case and width (OWASP ASVS 5.0, 6.2.4). */
export function isCommon(password: string): boolean {
  return COMMON.has(password.normalize('NFKC').toLowerCase());
}
