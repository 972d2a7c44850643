import { emailAddress } from '../../text/email-address.js';
import { nickname, toLine } from '../../text/user-text.js';

/**
 * Profile of a user at a provider. `provider` and `subject` identify the user; the other members may be missing, and may belong to
 * another user later.
 */
export interface SocialProfile {
  readonly provider: string;
  readonly subject: string;
  readonly email?: string;
  /**
   * `verified`: the provider vouches that the address belongs to the user today. `unverified`: it does not.
   * `unsupported`: the provider has no such information.
   */
  readonly emailVerification: 'verified' | 'unverified' | 'unsupported';
  readonly nickname?: string;
  /** https URL. */
  readonly avatarUrl?: string;
}

/** Returns a subject: printable text, or an integer without loss of digits. */
export function subjectOf(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value > 0 ? String(value) : undefined;
  return typeof value === 'string' && /^[\x21-\x7e]{1,255}$/.test(value) ? value : undefined;
}

/** Returns a normalised e-mail address. Kakao masks an address that another account has (`ka***@kakao.com`). */
export function emailOf(value: unknown): string | undefined {
  const address = emailAddress.safeParse(value).data;
  return address?.includes('*') === true ? undefined : address;
}

/** Returns a valid nickname, cut to 20 characters. */
export function nicknameOf(value: unknown): string | undefined {
  return typeof value === 'string' ? nickname.safeParse(toLine(value, 20)).data : undefined;
}

/** Returns the https URL of a picture. Those of Kakao are http by default; its servers answer both. */
export function avatarUrlOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > 2_000 || !URL.canParse(value)) return undefined;
  const url = new URL(value);
  if (url.protocol === 'http:' && url.port === '') url.protocol = 'https:';
  return url.protocol === 'https:' && url.username === '' && url.password === '' ? url.href : undefined;
}
