import { askConsent } from '../authorize.js';
import { jsonReply } from '../http.js';
import type { Endpoint, SandboxContext } from '../context.js';
import { handleRevoke, handleUserinfo, INVALID_CREDENTIALS, UNAUTHENTICATED } from './api.js';
import { GOOGLE_ISSUER, googleAuthorize } from './authorize.js';
import { handleToken } from './token.js';

/** Returns all endpoints of Google for a login, including the older token and profile endpoints. */
export function googleEndpoints(context: SandboxContext): Endpoint[] {
  const provider = 'google';
  const token = { provider, name: 'token', methods: ['POST'] } as const;
  const profile = { provider, name: 'profile', methods: ['GET', 'POST'] } as const;
  return [
    {
      provider,
      name: 'authorize',
      path: '/accounts.google.com/o/oauth2/v2/auth',
      methods: ['GET'],
      handle: (call) => askConsent(context, googleAuthorize, call),
    },
    { ...token, path: '/oauth2.googleapis.com/token', handle: (call) => handleToken(context, call) },
    { ...token, path: '/www.googleapis.com/oauth2/v4/token', handle: (call) => handleToken(context, call) },
    {
      ...profile,
      path: '/openidconnect.googleapis.com/v1/userinfo',
      handle: (call) => handleUserinfo(context, call, INVALID_CREDENTIALS),
    },
    {
      ...profile,
      path: '/www.googleapis.com/oauth2/v3/userinfo',
      handle: (call) => handleUserinfo(context, call, UNAUTHENTICATED),
    },
    {
      provider,
      name: 'revoke',
      path: '/oauth2.googleapis.com/revoke',
      methods: ['POST'],
      handle: (call) => handleRevoke(context, call),
    },
    {
      provider,
      name: 'discovery',
      path: '/accounts.google.com/.well-known/openid-configuration',
      methods: ['GET'],
      handle: () => jsonReply(200, DISCOVERY, {}, 1),
    },
    {
      provider,
      name: 'jwks',
      path: '/www.googleapis.com/oauth2/v3/certs',
      methods: ['GET'],
      handle: () => jsonReply(200, context.signer.jwks, { 'cache-control': 'public, max-age=19800' }, 2),
    },
  ];
}

// Real URLs, because a client that maps one of them to the sandbox maps all of them.
const DISCOVERY = {
  issuer: GOOGLE_ISSUER,
  authorization_endpoint: 'https://accounts.google.com/o/oauth2/v2/auth',
  token_endpoint: 'https://oauth2.googleapis.com/token',
  userinfo_endpoint: 'https://openidconnect.googleapis.com/v1/userinfo',
  revocation_endpoint: 'https://oauth2.googleapis.com/revoke',
  jwks_uri: 'https://www.googleapis.com/oauth2/v3/certs',
  response_types_supported: ['code'],
  response_modes_supported: ['query'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['RS256'],
  scopes_supported: ['openid', 'email', 'profile'],
  token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
  claims_supported: 'aud email email_verified exp family_name given_name iat iss name picture sub'.split(' '),
  code_challenge_methods_supported: ['plain', 'S256'],
  grant_types_supported: ['authorization_code', 'refresh_token'],
};
