import type { Grant } from '../grants.js';
import type { KakaoAccount } from '../accounts.js';
import { findPersona } from '../personas.js';

/** Returns a timestamp in Kakao's format: seconds and a Z. */
const timestamp = (milliseconds: number): string => `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;

/** Returns the body of `/v2/user/me`. Only `id` is always present; picture URLs are http unless `secure` is requested. */
export function userMe(grant: Grant, connectedAt: number, secure: boolean): Record<string, unknown> {
  const account = accountOf(grant);
  const nickname = grant.scope.includes('profile_nickname') ? account.nickname : undefined;
  const picture = grant.scope.includes('profile_image') ? pictureUrl(account.picture, secure) : undefined;
  if (nickname === undefined && picture === undefined && account.email === undefined)
    return { id: account.id };

  const pictures = { profile_image: picture, thumbnail_image: picture };
  if (account.legacyProperties === true) {
    return { id: account.id, connected_at: timestamp(connectedAt), properties: { nickname, ...pictures } };
  }
  return {
    id: account.id,
    connected_at: timestamp(connectedAt),
    kakao_account: {
      profile_nickname_needs_agreement: nickname === undefined,
      profile_image_needs_agreement: picture === undefined,
      profile: {
        nickname,
        thumbnail_image_url: picture,
        profile_image_url: picture,
        is_default_image: picture === undefined ? undefined : false,
        is_default_nickname: nickname === undefined ? undefined : account.isDefaultNickname,
      },
      ...emailMembers(grant, account),
    },
  };
}

function emailMembers(grant: Grant, account: KakaoAccount): Record<string, unknown> {
  if (!grant.scope.includes('account_email') || account.emailRefused === true) {
    return { has_email: account.email !== undefined, email_needs_agreement: true };
  }
  if (account.email === undefined) return { has_email: false, email_needs_agreement: false };
  return {
    has_email: true,
    email_needs_agreement: false,
    is_email_valid: account.isEmailValid,
    is_email_verified: account.isEmailVerified,
    email: account.email,
  };
}

/** Returns the body of `/v1/oidc/userinfo`: the id as a string, and one flag for valid and verified. */
export function oidcUserinfo(grant: Grant): Record<string, unknown> {
  const account = accountOf(grant);
  const hasEmail =
    grant.scope.includes('account_email') && account.emailRefused !== true && account.email !== undefined;
  return {
    sub: account.id.toString(),
    ...(grant.scope.includes('profile_nickname') && { nickname: account.nickname }),
    ...(grant.scope.includes('profile_image') && { picture: account.picture }),
    ...(hasEmail && {
      email: account.email,
      email_verified: account.isEmailValid === true && account.isEmailVerified === true,
    }),
  };
}

/** Returns the account of a grant. */
export function accountOf(grant: Grant): KakaoAccount {
  const persona = findPersona('kakao', grant.personaId);
  if (persona === undefined) throw new Error(`Kakao knows no ${grant.personaId}.`);
  return persona.account;
}

function pictureUrl(url: string | undefined, secure: boolean): string | undefined {
  return secure ? url : url?.replace(/^https:/, 'http:');
}
