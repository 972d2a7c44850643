import { z } from 'zod';

/** Text that UTF-8 and PostgreSQL can hold: neither half a surrogate pair nor NUL. */
const isStorable = (text: string) => !/\p{Surrogate}/u.test(text) && !text.includes('\0');

/** Lengths count characters (code points), as JSON Schema does: one for an emoji. */
function lengthFrom(least: number, most: number) {
  return (text: string) => {
    const { length } = Array.from(text);
    return length >= least && length <= most;
  };
}

/** Text that came with a request, kept as it is. */
export const storableText = z.string().refine(isStorable, 'must be well-formed text without NUL');

/** Where mail goes, in lower case. The pattern leaves no room for line ends, lists or anything but ASCII. */
export const emailAddress = z
  .email('must be an e-mail address')
  .max(254, 'must have at most 254 characters')
  .toLowerCase()
  .meta({ example: 'mina@example.com' });

const nickname = z
  .string()
  .trim()
  .refine(lengthFrom(2, 20), 'must have 2 to 20 characters')
  .refine(
    (name) => !/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(name),
    'must be well-formed text without control characters',
  )
  .meta({ minLength: 2, maxLength: 20, example: 'Mina' });

/** A password that someone chooses: any characters, no composition rules (NIST SP 800-63B §3.1.1.2). */
export const newPassword = storableText
  .refine(lengthFrom(8, 128), 'must have 8 to 128 characters')
  .meta({ minLength: 8, maxLength: 128, format: 'password' });

/** What registering takes. */
export const registration = z
  .strictObject({ email: emailAddress, password: newPassword, nickname })
  .refine(({ email, password, nickname }) => !isOneOf(password, [email, nickname]), {
    path: ['password'],
    message: 'must not be the e-mail address or the nickname',
  })
  .meta({ id: 'Registration' });
export type Registration = z.output<typeof registration>;

/** What logging in takes. A shorter password is merely wrong; a longer one was never accepted and is not hashed. */
export const credentials = z
  .strictObject({
    email: emailAddress,
    password: storableText
      .refine(lengthFrom(1, 128), 'must have 1 to 128 characters')
      .meta({ minLength: 1, maxLength: 128, format: 'password' }),
  })
  .meta({ id: 'Credentials' });

function isOneOf(password: string, own: readonly string[]): boolean {
  return own.some((text) => text.toLowerCase() === password.toLowerCase());
}
