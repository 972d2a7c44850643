import { emailAddress } from '../../text/email-address.js';

/**
 * Returns true if the password is one of these texts, in any case and width. An e-mail address counts in both forms of an
 * internationalised domain.
 */
export function isOneOf(password: string, own: readonly string[]): boolean {
  const spellings = [folded(password), emailAddress.safeParse(password).data];
  return own.some((text) => spellings.includes(folded(text)));
}

function folded(text: string): string {
  return text.normalize('NFKC').toLowerCase().normalize('NFKC');
}
