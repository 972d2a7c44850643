import { z } from 'zod';
import { fieldIssue } from '../../problems/field-errors.js';
import { emailAddress } from '../../text/email-address.js';
import { passwordText, presentedPassword } from '../../text/password.js';
import { nickname, storableText } from '../../text/user-text.js';
import { isCommon } from './common-passwords.js';

/** New password, in its normal form. */
export const newPassword = passwordText
  .refine(
    (password) => !isCommon(password),
    fieldIssue('too_common', 'must not be one of the common passwords'),
  )
  .meta({
    description: `${passwordText.description} Neither a common password, nor the e-mail address, nor the nickname.`,
  });

/** Token of a link in a mail. */
export const mailedToken = storableText.max(65_536).meta({ description: 'From the link in the mail.' });

/** Body with the address of the recipient of a mail. */
export const addressOnly = z.strictObject({ email: emailAddress }).meta({ id: 'AddressOnly' });

/** Body of a registration. */
export const registration = z
  .strictObject({ email: emailAddress, password: newPassword, nickname })
  .refine(({ email, password, nickname }) => !isOneOf(password, [email, nickname]), {
    path: ['password'],
    ...fieldIssue('matches_account', 'must not be the e-mail address or the nickname'),
  })
  .meta({
    id: 'Registration',
    example: { email: 'mina@example.com', password: 'a long way home', nickname: 'Mina' },
  });
export type Registration = z.output<typeof registration>;

/** Body of a login. */
export const credentials = z
  .strictObject({
    email: emailAddress,
    password: presentedPassword,
  })
  .meta({ id: 'Credentials', example: { email: 'mina@example.com', password: 'a long way home' } });
export type Credentials = z.output<typeof credentials>;

/** Returns whether a password equals one of these texts, in any case, width and script of an address's domain. */
export function isOneOf(password: string, own: readonly string[]): boolean {
  const spellings = [folded(password), emailAddress.safeParse(password).data];
  return own.some((text) => spellings.includes(folded(text)));
}

function folded(text: string): string {
  return text.normalize('NFKC').toLowerCase().normalize('NFKC');
}
