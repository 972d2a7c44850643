import { Strategy } from 'passport-kakao';
import { isEqualInConstantTime } from '../../crypto/constant-time.js';
import { Problem } from '../../problems/problem.js';
import { objectAt } from './json.js';
import type { ProviderDefinition, StrategyClass, UnlinkCall } from './provider-definition.js';
import { avatarUrlOf, emailOf, nicknameOf, subjectOf } from './social-profile.js';

/** Kakao. Only the id of a profile is always present: the rest depends on the consent of the user. */
export const kakao: ProviderDefinition = {
  id: 'kakao',
  name: 'Kakao',
  // A scope that the console does not allow (account_email needs a business app) leads to an error page of Kakao.
  defaultScope: 'profile_nickname profile_image',
  pictureOrigins: ['https://k.kakaocdn.net', 'https://img1.kakaocdn.net', 'https://t1.kakaocdn.net'],
  secretOptional: true,
  hasAdminKey: true,
  endpoints: {
    authorize: 'https://kauth.kakao.com/oauth/authorize',
    token: 'https://kauth.kakao.com/oauth/token',
    profile: 'https://kapi.kakao.com/v2/user/me',
  },
  Strategy: Strategy as unknown as StrategyClass,
  // Kakao documents its KOE codes and the numbers of its API; `error` is that of RFC 6749.
  errorCode: (body) => body.error_code ?? body.code ?? body.error,
  errors: {
    KOE009: 'provider_misconfigured',
    KOE010: 'provider_misconfigured',
    KOE101: 'provider_misconfigured',
    KOE303: 'provider_misconfigured',
    KOE320: 'provider_rejected',
    KOE237: 'provider_unavailable',
    '-1': 'provider_unavailable',
    '-7': 'provider_unavailable',
    '-10': 'provider_unavailable',
    '-603': 'provider_unavailable',
    '-9798': 'provider_unavailable',
    '-3': 'provider_misconfigured',
    '-5': 'provider_misconfigured',
    '-402': 'provider_misconfigured',
  },
  unlink: {
    endpoint: 'https://kapi.kakao.com/v1/user/unlink',
    tokensToKeep: ({ adminKey }) => (adminKey === undefined ? ['access_token'] : []),
    request({ subject, grant, credentials: { adminKey } }): UnlinkCall | undefined {
      if (adminKey !== undefined) {
        return {
          headers: { authorization: `KakaoAK ${adminKey.reveal()}` },
          form: { target_id_type: 'user_id', target_id: subject },
        };
      }
      // Without an admin key: the access token of the login, which is valid for six hours.
      return grant && { headers: { authorization: `Bearer ${grant.token}` }, form: {} };
    },
    resultOf(status, { code }, { credentials: { adminKey } }) {
      // There is no connection.
      if (status === 200 || code === -101) return 'ended';
      // The token is not valid any more. An invalid admin key can be corrected in the settings.
      return status === 401 && code === -401 && adminKey === undefined ? 'token_invalid' : 'retry';
    },
  },
  unlinkNotice: {
    // The console of Kakao decides between the two.
    methods: ['GET', 'POST'],
    // Kakao requires 200, for unknown users as well.
    status: 200,
    read({ authorization, members }, { adminKey, appId }) {
      if (adminKey === undefined)
        throw new Problem('provider_not_enabled', { reason: 'KAKAO_ADMIN_KEY is not set' });
      if (!isEqualInConstantTime(authorization ?? '', `KakaoAK ${adminKey.reveal()}`))
        throw new Problem('forbidden', { reason: 'another admin key' });
      if (appId !== undefined && members.app_id !== appId)
        throw new Problem('forbidden', { reason: 'another app_id' });
      const subject = subjectOf(members.user_id);
      return subject === undefined ? undefined : { subject };
    },
  },
  mapProfile(body) {
    const subject = subjectOf(body.id);
    if (subject === undefined) return undefined;
    const account = objectAt(body, 'kakao_account');
    const profile = objectAt(account, 'profile');
    // Only applications from before 2021 get `properties`.
    const properties = objectAt(body, 'properties');
    const email = account.is_email_valid === false ? undefined : emailOf(account.email);
    const verified = account.is_email_valid === true && account.is_email_verified === true;
    return {
      provider: 'kakao',
      subject,
      email,
      emailVerification: email !== undefined && verified ? 'verified' : 'unverified',
      // The default reads "닉네임을 등록해주세요" ("please set a nickname").
      nickname:
        profile.is_default_nickname === true
          ? undefined
          : (nicknameOf(profile.nickname) ?? nicknameOf(properties.nickname)),
      avatarUrl:
        profile.is_default_image === true
          ? undefined
          : (avatarUrlOf(profile.profile_image_url) ?? avatarUrlOf(properties.profile_image)),
    };
  },
};
