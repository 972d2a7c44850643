import { createDecipheriv, createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** A notice that is older (s), or newer, than this was not sent now. */
const MAX_AGE_MS = 600;

/** What a notice says, from its query or its form. */
export type Members = Readonly<Record<string, unknown>>;

/** Whether this is Kakao's: it sends the admin key along, and nothing is signed. */
export function isFromKakao(authorization: string | undefined, adminKey: string): boolean {
  return isSame(authorization ?? '', `KakaoAK ${adminKey}`);
}

/** Whom a notice is about, and when (s since 1970) it was made. */
export interface UnlinkNotice {
  readonly subject: string;
  readonly at: number;
}

/**
 * What Naver's notice says; undefined unless it is signed with our secret, for us, and of now. The key is MD5 of the
 * client secret, as Naver's developer guide (§4.4) has it.
 */
export function readNaverNotice(
  { clientId, encryptUniqueId, timestamp, signature }: Members,
  ours: { readonly clientId: string; readonly clientSecret: string },
  now: number,
): UnlinkNotice | undefined {
  if (typeof encryptUniqueId !== 'string' || typeof timestamp !== 'string' || typeof signature !== 'string')
    return undefined;
  if (clientId !== ours.clientId || !/^\d{10}$/.test(timestamp)) return undefined;
  const key = createHash('md5').update(ours.clientSecret).digest();
  const signed = `clientId=${clientId}&encryptUniqueId=${encryptUniqueId}&timestamp=${timestamp}`;
  if (!isSame(signature, createHmac('sha256', key).update(signed).digest('base64url'))) return undefined;
  if (Math.abs(now / 1000 - Number(timestamp)) > MAX_AGE_MS) return undefined;
  const bytes = Buffer.from(encryptUniqueId, 'base64url');
  try {
    const decipher = createDecipheriv('aes-128-cbc', key, bytes.subarray(0, 16));
    const subject = decipher.update(bytes.subarray(16)).toString() + decipher.final().toString();
    return { subject, at: Number(timestamp) };
  } catch {
    return undefined;
  }
}

/** In a time that tells nothing. Padding is not part of base64url, and some add it. */
function isSame(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => createHash('sha256').update(text.replace(/=+$/, '')).digest());
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
}
