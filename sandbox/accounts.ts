import { createHash } from 'node:crypto';

/** Simulated providers. */
export const PROVIDER_NAMES = ['google', 'kakao', 'naver'] as const;

/** Name of a simulated provider. */
export type ProviderName = (typeof PROVIDER_NAMES)[number];

/** Account at Google: the claims of its userinfo response. A flag may have a wrong type on purpose. */
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

/** Account at Kakao. A flag may have a wrong type on purpose. */
export interface KakaoAccount {
  id: bigint;
  nickname?: string;
  isDefaultNickname?: boolean | string;
  picture?: string;
  email?: string;
  /** True if the user refused the e-mail on the consent page. */
  emailRefused?: boolean;
  isEmailValid?: boolean | string;
  isEmailVerified?: boolean | string;
  /** True for the response to older applications, with the nickname in the deprecated `properties` only. */
  legacyProperties?: boolean;
}

/** Account at Naver: the `response` member of its profile. */
export interface NaverAccount {
  id: string;
  nickname?: string;
  name?: string;
  email?: string;
  profileImage?: string;
}

/** Accounts of a persona, by provider. */
export interface Accounts {
  google: GoogleAccount;
  kakao: KakaoAccount;
  naver: NaverAccount;
}

/** Returns an ordinary Google account. */
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

/** Returns an ordinary Kakao account. */
export function kakaoAccount(id: string, nickname: string, email?: string): KakaoAccount {
  return {
    id: kakaoId(id),
    nickname,
    isDefaultNickname: false,
    picture: pictureOf(id),
    ...(email !== undefined && { email, isEmailValid: true, isEmailVerified: true }),
  };
}

/** Returns an ordinary Naver account. */
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

/** Returns a subject of 21 digits, as Google's are. */
export const googleSubject = (id: string): string =>
  `1${numberFrom(`google/${id}`).toString().padStart(20, '0')}`;

/** Returns an id of 19 digits (a Long in Kakao's documentation), beyond the safe integers of JavaScript. */
export const kakaoId = (id: string): bigint => 10n ** 18n + (numberFrom(`kakao/${id}`) % 10n ** 18n);

/** Returns an id of 43 URL-safe characters, as Naver applications have since 2021. */
export const naverId = (id: string): string => createHash('sha256').update(`naver/${id}`).digest('base64url');

function numberFrom(text: string): bigint {
  return createHash('sha256').update(text).digest().readBigUInt64BE();
}
