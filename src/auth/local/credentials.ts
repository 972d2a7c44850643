import { z } from 'zod';
import { nickname, text } from '../../text.js';

/** Where mail goes, in lower case. The pattern leaves no room for line ends, lists or anything but ASCII. */
export const emailAddress = z
  .email('must be an e-mail address')
  .max(254, 'must have at most 254 characters')
  .toLowerCase()
  .meta({ example: 'mina@example.com' });

/** A password that someone chooses: any characters, no composition rules (NIST SP 800-63B §3.1.1.2). */
export const newPassword = text(8, 128).meta({ format: 'password' });

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

/** What logging in takes. A shorter password is merely wrong; a longer one was never accepted and is not hashed. */
export const credentials = z
  .strictObject({
    email: emailAddress,
    password: text(1, 128).meta({ format: 'password' }),
  })
  .meta({ id: 'Credentials', example: { email: 'mina@example.com', password: 'a long way home' } });

function isOneOf(password: string, own: readonly string[]): boolean {
  return own.some((text) => text.toLowerCase() === password.toLowerCase());
}
