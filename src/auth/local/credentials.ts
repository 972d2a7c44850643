import { z } from 'zod';
import { nickname, text } from '../../text.js';
import { isCommon } from './common-passwords.js';

/** Where mail goes, in lower case. The pattern leaves no room for line ends, lists or anything but ASCII. */
export const emailAddress = z
  .email('must be an e-mail address')
  .max(254, 'must have at most 254 characters')
  .toLowerCase()
  .meta({ example: 'mina@example.com' });

/** A password that someone chooses: any characters, no composition rules (NIST SP 800-63B §3.1.1.2). */
export const newPassword = text(8, 128)
  .refine((password) => !isCommon(password), 'must not be one of the common passwords')
  .meta({ format: 'password' });

/** A password as somebody claims it to be. A longer one was never accepted, and is not worth a hash. */
export const presentPassword = text(1, 128).meta({ format: 'password' });

/** The token of a link in a mail. */
export const mailedToken = text(0, 65_536).meta({ description: 'From the link in the mail.' });

/** Whom to write to. */
export const addressOnly = z.strictObject({ email: emailAddress }).meta({ id: 'AddressOnly' });

/** What registering takes. */
export const registration = z
  .strictObject({ email: emailAddress, password: newPassword, nickname })
  .refine(({ email, password, nickname }) => !isOneOf(password, [email, nickname]), {
    path: ['password'],
    message: 'must not be the e-mail address or the nickname',
  })
  .meta({
    id: 'Registration',
    example: { email: 'mina@example.com', password: 'a long way home', nickname: 'Mina' },
  });
export type Registration = z.output<typeof registration>;

/** What logging in takes. */
export const credentials = z
  .strictObject({
    email: emailAddress,
    password: presentPassword,
  })
  .meta({ id: 'Credentials', example: { email: 'mina@example.com', password: 'a long way home' } });
export type Credentials = z.output<typeof credentials>;

/** Whether the password is one of these words, whatever its capitals. */
export function isOneOf(password: string, own: readonly string[]): boolean {
  return own.some((text) => text.toLowerCase() === password.toLowerCase());
}
