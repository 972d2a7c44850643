import { askConsent } from '../authorize.js';
import { jsonReply } from '../http.js';
import type { Endpoint, SandboxContext } from '../context.js';
import { handleMe, handleRevoke, handleVerify } from './api.js';
import { naverAuthorize, naverOidcAuthorize } from './authorize.js';
import { handleOidcToken, handleToken, NAVER_ISSUER } from './token.js';

/** Returns all endpoints of Naver for a login: classic and OIDC. */
export function naverEndpoints(context: SandboxContext): Endpoint[] {
  const provider = 'naver';
  const authorize = { provider, name: 'authorize', methods: ['GET'] } as const;
  return [
    {
      ...authorize,
      path: '/nid.naver.com/oauth2.0/authorize',
      handle: (call) => askConsent(context, naverAuthorize, call),
    },
    {
      ...authorize,
      path: '/nid.naver.com/oauth2/authorize',
      handle: (call) => askConsent(context, naverOidcAuthorize, call),
    },
    {
      provider,
      name: 'token',
      path: '/nid.naver.com/oauth2.0/token',
      methods: ['GET', 'POST'],
      handle: (call) => handleToken(context, call),
    },
    {
      provider,
      name: 'token',
      path: '/nid.naver.com/oauth2/token',
      methods: ['POST'],
      handle: (call) => handleOidcToken(context, call),
    },
    {
      provider,
      name: 'profile',
      path: '/openapi.naver.com/v1/nid/me',
      methods: ['GET', 'POST'],
      handle: (call) => handleMe(context, call),
    },
    {
      provider,
      name: 'verify',
      path: '/openapi.naver.com/v1/nid/verify',
      methods: ['GET'],
      handle: (call) => handleVerify(context, call),
    },
    {
      provider,
      name: 'revoke',
      path: '/nid.naver.com/oauth2.0/revoke',
      methods: ['POST'],
      handle: (call) => handleRevoke(context, call),
    },
    {
      provider,
      name: 'discovery',
      path: '/nid.naver.com/.well-known/openid-configuration',
      methods: ['GET'],
      handle: () => jsonReply(200, DISCOVERY),
    },
    {
      provider,
      name: 'jwks',
      path: '/nid.naver.com/oauth2/jwks',
      methods: ['GET'],
      handle: () => jsonReply(200, context.signer.jwks, { 'cache-control': 'public, max-age=86400' }),
    },
  ];
}

const DISCOVERY = {
  issuer: NAVER_ISSUER,
  authorization_endpoint: 'https://nid.naver.com/oauth2/authorize',
  token_endpoint: 'https://nid.naver.com/oauth2/token',
  userinfo_endpoint: 'https://openapi.naver.com/v1/nid/me',
  jwks_uri: 'https://nid.naver.com/oauth2/jwks',
  response_types_supported: ['code'],
  subject_types_supported: ['pairwise'],
  id_token_signing_alg_values_supported: ['RS256'],
  scopes_supported: ['openid', 'profile'],
  grant_types_supported: ['authorization_code'],
  token_endpoint_auth_methods_supported: ['client_secret_post'],
  code_challenge_methods_supported: ['S256'],
};
