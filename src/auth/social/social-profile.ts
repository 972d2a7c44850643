import { nickname } from '../../text.js';

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

/** An address that mail could reach. Kakao masks those that another account has taken (`ka***@kakao.com`). */
export function emailOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > 254) return undefined;
  return /^[^\s\p{C}@*]+@[^\s\p{C}@*]+\.[^\s\p{C}@*.]+$/u.test(value) ? value : undefined;
}

/** A nickname by our rule, 2 to 20 characters: one line, nothing invisible, cut where it is longer. */
export function nicknameOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value
    .slice(0, 1_000)
    .normalize('NFC')
    .replace(/\s+|\p{Cc}/gu, ' ')
    // Text direction, zero width, unpaired surrogates; not the joiner (U+200D) that emoji are made with.
    .replace(/(?!\u200d)[\p{Cf}\p{Cs}\p{Co}]/gu, '')
    .trim();
  const cut = Array.from(text).slice(0, 20).join('').trim();
  return nickname.safeParse(cut).data;
}

/** The https address of a picture. Kakao's are http by default; its servers answer both. */
export function avatarUrlOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > 2_000 || !URL.canParse(value)) return undefined;
  const url = new URL(value);
  if (url.protocol === 'http:' && url.port === '') url.protocol = 'https:';
  return url.protocol === 'https:' && url.username === '' && url.password === '' ? url.href : undefined;
}
