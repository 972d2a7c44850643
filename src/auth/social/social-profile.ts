import { emailAddress } from '../../text/email-address.js';
import { nickname, toLine } from '../../text/user-text.js';

/**
 * What a provider says of a person, in one shape for all providers. Who it is follows from `provider` and `subject`
 * alone; everything else is decoration, may be missing, and may be somebody else's tomorrow.
 */
export interface SocialProfile {
  readonly provider: string;
  readonly subject: string;
  readonly email?: string;
  /**
   * `verified`: the provider answers for it that the address is this person's today. `unverified`: it does not.
   * `unsupported`: this provider never says.
   */
  readonly emailVerification: 'verified' | 'unverified' | 'unsupported';
  readonly nickname?: string;
  /** Always https. */
  readonly avatarUrl?: string;
}

/** A usable subject: printable text, or an integer that kept its digits. Never a made-up one. */
export function subjectOf(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value > 0 ? String(value) : undefined;
  return typeof value === 'string' && /^[\x21-\x7e]{1,255}$/.test(value) ? value : undefined;
}

/** An address in its one form. Kakao masks those that another account has taken (`ka***@kakao.com`). */
export function emailOf(value: unknown): string | undefined {
  const address = emailAddress.safeParse(value).data;
  return address?.includes('*') === true ? undefined : address;
}

/** A nickname by our rule, cut where it is longer. */
export function nicknameOf(value: unknown): string | undefined {
  return typeof value === 'string' ? nickname.safeParse(toLine(value, 20)).data : undefined;
}

/** The https address of a picture. Kakao's are http by default; its servers answer both. */
export function avatarUrlOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > 2_000 || !URL.canParse(value)) return undefined;
  const url = new URL(value);
  if (url.protocol === 'http:' && url.port === '') url.protocol = 'https:';
  return url.protocol === 'https:' && url.username === '' && url.password === '' ? url.href : undefined;
}
