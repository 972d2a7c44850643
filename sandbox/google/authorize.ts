import { randomBytes } from 'node:crypto';
import type { AuthorizeDialect } from '../authorize.js';
import { GOOGLE_LOOK } from '../pages/looks.js';
import type { GoogleAccount } from '../accounts.js';

/** Issuer of Google's id_tokens, also in the callback (RFC 9207). */
export const GOOGLE_ISSUER = 'https://accounts.google.com';

/** Scopes in responses: long URLs, also for scopes that were requested by short name. */
const LONG_SCOPES: Record<string, string> = {
  email: 'https://www.googleapis.com/auth/userinfo.email',
  profile: 'https://www.googleapis.com/auth/userinfo.profile',
  openid: 'openid',
};

/** Google's authorization endpoint. */
export const googleAuthorize: AuthorizeDialect = {
  provider: 'google',
  id: 'google',
  look: GOOGLE_LOOK,
  pkce: 'required',
  readScope(query) {
    const requested = (query.get('scope') ?? '').split(' ').filter((name) => name !== '');
    const names = requested.map((name) =>
      Object.keys(LONG_SCOPES).find((it) => it === name || LONG_SCOPES[it] === name),
    );
    return names.length > 0 && names.every((name) => name !== undefined) ? names : undefined;
  },
  withoutPage: (query) => (query.get('prompt') === 'none' ? { error: 'interaction_required' } : undefined),
  refusals: {
    unknown_client: {
      status: 401,
      code: 'Error 401: invalid_client',
      detail: 'The OAuth client was not found.',
    },
    redirect_uri: {
      status: 400,
      code: 'Error 400: redirect_uri_mismatch',
      detail: 'The redirect_uri in the request does not match the ones authorized for the OAuth client.',
    },
    response_type: {
      status: 400,
      code: 'Error 400: unsupported_response_type',
      detail: 'The response_type has to be code.',
    },
    scope: {
      status: 400,
      code: 'Error 400: invalid_scope',
      detail: 'Some requested scopes were invalid. The sandbox knows openid, email and profile.',
    },
    state: { status: 400, code: 'Error 400: invalid_request', detail: 'Missing required parameter: state' },
    pkce: {
      status: 400,
      code: 'Error 400: invalid_request',
      detail: 'Missing required parameter: code_challenge (the sandbox insists on PKCE with S256)',
    },
    repeated: {
      status: 400,
      code: 'Error 400: invalid_request',
      detail: 'OAuth 2 parameters can only have a single value',
    },
  },
  embeddedBrowser: {
    status: 403,
    code: 'Error 403: disallowed_useragent',
    detail: "The request does not comply with Google's policy on secure browsers.",
  },
  cancelled: { error: 'access_denied' },
  granted(request, persona, code) {
    const { hd } = persona.account as GoogleAccount;
    return {
      state: request.state,
      iss: GOOGLE_ISSUER,
      code,
      scope: [...request.scope.filter((name) => name !== 'openid'), longScope(request.scope)].join(' '),
      authuser: '0',
      ...(hd !== undefined && { hd }),
      prompt: request.prompt ?? 'consent',
    };
  },
  newCode: () => `4/0${randomBytes(42).toString('base64url')}`,
  space: '%20',
};

/** Returns the `scope` member of a token response: long URLs in Google's order. */
export function longScope(scope: readonly string[]): string {
  return ['email', 'openid', 'profile']
    .filter((name) => scope.includes(name))
    .map((name) => LONG_SCOPES[name])
    .join(' ');
}
