import { z } from 'zod';
import { fieldIssue } from '../../problems/field-errors.js';
import { emailAddress } from '../../text/email-address.js';
import { passwordText, presentedPassword } from '../../text/password.js';
import { nickname, storableText } from '../../text/user-text.js';
import { isCommon } from './common-passwords.js';
import { isOneOf } from './own-words.js';

/** New password, in its normal form. */
const newPassword = passwordText
  .refine(
    (password) => !isCommon(password),
    fieldIssue('too_common', 'must not be one of the common passwords'),
  )
  .meta({
    description: `${passwordText.description} Neither a common password, nor the e-mail address, nor the nickname.`,
  });

/** Token of a link in a mail. */
const mailedToken = storableText.max(65_536).meta({ description: 'From the link in the mail.' });

export const addressOnly = z.strictObject({ email: emailAddress }).meta({ id: 'AddressOnly' });
export type AddressOnly = z.output<typeof addressOnly>;

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

export const credentials = z
  .strictObject({
    email: emailAddress,
    password: presentedPassword,
  })
  .meta({ id: 'Credentials', example: { email: 'mina@example.com', password: 'a long way home' } });
export type Credentials = z.output<typeof credentials>;

export const emailVerification = z.strictObject({ token: mailedToken }).meta({ id: 'EmailVerification' });
export type EmailVerification = z.output<typeof emailVerification>;

export const passwordReset = z
  .strictObject({ token: mailedToken, password: newPassword })
  .meta({ id: 'PasswordReset' });
export type PasswordReset = z.output<typeof passwordReset>;

export const passwordChange = z
  .strictObject({ currentPassword: presentedPassword, newPassword })
  .meta({ id: 'PasswordChange' });
export type PasswordChange = z.output<typeof passwordChange>;
