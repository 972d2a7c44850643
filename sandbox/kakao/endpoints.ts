import { askConsent } from '../authorize.js';
import { jsonReply } from '../http.js';
import type { Endpoint, SandboxContext } from '../context.js';
import { handleLogout, handleOidcUserinfo, handleScopes, handleUnlink, handleUserMe } from './api.js';
import { KAKAO_SCOPES, kakaoAuthorize } from './authorize.js';
import { handleToken, KAKAO_ISSUER } from './token.js';

/** Returns all endpoints of Kakao for a login. */
export function kakaoEndpoints(context: SandboxContext): Endpoint[] {
  const provider = 'kakao';
  const profile = { provider, name: 'profile', methods: ['GET', 'POST'] } as const;
  return [
    {
      provider,
      name: 'authorize',
      path: '/kauth.kakao.com/oauth/authorize',
      methods: ['GET'],
      handle: (call) => askConsent(context, kakaoAuthorize, call),
    },
    {
      provider,
      name: 'token',
      path: '/kauth.kakao.com/oauth/token',
      methods: ['POST'],
      handle: (call) => handleToken(context, call),
    },
    { ...profile, path: '/kapi.kakao.com/v2/user/me', handle: (call) => handleUserMe(context, call) },
    {
      ...profile,
      path: '/kapi.kakao.com/v1/oidc/userinfo',
      handle: (call) => handleOidcUserinfo(context, call),
    },
    {
      provider,
      name: 'scopes',
      path: '/kapi.kakao.com/v2/user/scopes',
      methods: ['GET'],
      handle: (call) => handleScopes(context, call),
    },
    {
      provider,
      name: 'unlink',
      path: '/kapi.kakao.com/v1/user/unlink',
      methods: ['POST'],
      handle: (call) => handleUnlink(context, call),
    },
    {
      provider,
      name: 'logout',
      path: '/kapi.kakao.com/v1/user/logout',
      methods: ['POST'],
      handle: (call) => handleLogout(context, call),
    },
    {
      provider,
      name: 'discovery',
      path: '/kauth.kakao.com/.well-known/openid-configuration',
      methods: ['GET'],
      handle: () => jsonReply(200, DISCOVERY),
    },
    {
      provider,
      name: 'jwks',
      path: '/kauth.kakao.com/.well-known/jwks.json',
      methods: ['GET'],
      handle: () => jsonReply(200, context.signer.jwks, { 'cache-control': 'public, max-age=86400' }),
    },
  ];
}

const DISCOVERY = {
  issuer: KAKAO_ISSUER,
  authorization_endpoint: 'https://kauth.kakao.com/oauth/authorize',
  token_endpoint: 'https://kauth.kakao.com/oauth/token',
  userinfo_endpoint: 'https://kapi.kakao.com/v1/oidc/userinfo',
  jwks_uri: 'https://kauth.kakao.com/.well-known/jwks.json',
  token_endpoint_auth_methods_supported: ['client_secret_post'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['RS256'],
  response_types_supported: ['code'],
  response_modes_supported: ['query'],
  grant_types_supported: ['authorization_code', 'refresh_token'],
  code_challenge_methods_supported: ['S256'],
  scopes_supported: ['openid', ...KAKAO_SCOPES],
  claims_supported: ['iss', 'aud', 'sub', 'auth_time', 'exp', 'iat', 'nonce', 'nickname', 'picture', 'email'],
};
