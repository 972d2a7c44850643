import { z } from 'zod';
import { LOCALES } from '../../users/profiles.js';

/** Payload of `mail.scheduled`: a mail that a request of an anonymous client causes. */
export const mailRequest = z.object({
  mail: z.enum(['verify-email', 'reset-password', 'address-in-use']),
  to: z.string(),
  /** Registration of the link. Without it, the account determines the link when the mail is written. */
  registration: z
    .object({
      accountId: z.uuid(),
      passwordHash: z.string(),
      nickname: z.string(),
      hasSeveralRegistrations: z.boolean(),
    })
    .optional(),
});
export type MailRequest = z.output<typeof mailRequest>;

/** Payload of `mail.notice`. */
export const securityNotice = z.object({
  mail: z.enum(['password-changed', 'identity-linked', 'account-deleted']),
  to: z.string(),
  accountId: z.uuid(),
  /** Language of the profile, for `account-deleted`: the profile may be deleted when the mail is written. */
  locale: z.enum(LOCALES).optional(),
  /** Name of the provider, for `identity-linked`. */
  provider: z.string().optional(),
});
export type SecurityNotice = z.output<typeof securityNotice>;

/** Pauses between the mails of a request. */
const spacing = z.object({
  /** Requests of one name share their pauses. */
  name: z.string(),
  /** Mails without a pause before the first pause. */
  burst: z.int().default(1),
  /** Address of the client. Clients from which the account has logged in before have pauses of their own. */
  address: z.string().optional(),
});
export type Spacing = z.input<typeof spacing>;

/** Payload of `mail.requested`. */
export const requestedMail = z.object({ request: mailRequest, spacing });
export type RequestedMail = z.output<typeof requestedMail>;
