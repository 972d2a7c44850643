import { createHash } from 'node:crypto';

/** The providers that the sandbox plays. */
export const PROVIDER_NAMES = ['google', 'kakao', 'naver'] as const;

/** One of the providers that the sandbox plays. */
export type ProviderName = (typeof PROVIDER_NAMES)[number];

/** What Google knows about somebody: the claims of its userinfo answer. A flag may be of a wrong type on purpose. */
export interface GoogleAccount {
  sub: string;
  name?: string;
  givenName?: string;
  familyName?: string;
  picture?: string;
  email?: string;
  emailVerified?: boolean | string;
  hd?: string;
}

/** What Kakao knows about somebody. A flag may be of a wrong type on purpose. */
export interface KakaoAccount {
  id: bigint;
  nickname?: string;
  isDefaultNickname?: boolean | string;
  picture?: string;
  email?: string;
  /** The person unticked the e-mail on the consent page. */
  emailRefused?: boolean;
  isEmailValid?: boolean | string;
  isEmailVerified?: boolean | string;
  /** As older applications see it: the nickname in the deprecated `properties` and nowhere else. */
  legacyProperties?: boolean;
}

/** What Naver knows about somebody: the `response` member of its profile. */
export interface NaverAccount {
  id: string;
  nickname?: string;
  name?: string;
  email?: string;
  profileImage?: string;
}

/** The accounts that one person can have. */
export interface Accounts {
  google: GoogleAccount;
  kakao: KakaoAccount;
  naver: NaverAccount;
}

/** An ordinary Google account. */
export function googleAccount(id: string, name: string, email?: string): GoogleAccount {
  return {
    sub: googleSubject(id),
    name,
    familyName: name.slice(0, 1),
    givenName: name.slice(1),
    picture: pictureOf(id),
    ...(email !== undefined && { email, emailVerified: true }),
  };
}

/** An ordinary Kakao account. */
export function kakaoAccount(id: string, nickname: string, email?: string): KakaoAccount {
  return {
    id: kakaoId(id),
    nickname,
    isDefaultNickname: false,
    picture: pictureOf(id),
    ...(email !== undefined && { email, isEmailValid: true, isEmailVerified: true }),
  };
}

/** An ordinary Naver account. */
export function naverAccount(id: string, name: string, email?: string): NaverAccount {
  return {
    id: naverId(id),
    nickname: name,
    name,
    profileImage: pictureOf(id),
    ...(email !== undefined && { email }),
  };
}

const pictureOf = (id: string): string => `https://example.com/avatars/${id}.png`;

/** Twenty-one digits, as Google's subjects have. */
export const googleSubject = (id: string): string =>
  `1${numberFrom(`google/${id}`).toString().padStart(20, '0')}`;

/** A Long with nineteen digits, as in Kakao's documents: beyond what a JavaScript number can hold. */
export const kakaoId = (id: string): bigint => 10n ** 18n + (numberFrom(`kakao/${id}`) % 10n ** 18n);

/** Forty-three URL-safe characters, as the ids of Naver applications since 2021 have. */
export const naverId = (id: string): string => createHash('sha256').update(`naver/${id}`).digest('base64url');

function numberFrom(text: string): bigint {
  return createHash('sha256').update(text).digest().readBigUInt64BE();
}
