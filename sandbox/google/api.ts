import type { Grant } from '../grants.js';
import { bearerToken, type Call, jsonReply, type Reply } from '../http.js';
import { findPersona } from '../personas.js';
import type { SandboxContext } from '../context.js';

/** Bodies with which Google's profile endpoints refuse a token, depending on the host. */
export const INVALID_CREDENTIALS = { error: 'invalid_request', error_description: 'Invalid Credentials' };
export const UNAUTHENTICATED = {
  error: {
    code: 401,
    message: 'Request had invalid authentication credentials. Expected OAuth 2 access token.',
    status: 'UNAUTHENTICATED',
  },
};

/** Userinfo endpoint: responds with the claims of the token's scopes. `refusal` is the body of a 401. */
export function handleUserinfo(context: SandboxContext, call: Call, refusal: object): Reply {
  const grant = context.grants.findByAccessToken('google', bearerToken(call));
  if (grant === undefined) {
    const challenge = 'Bearer realm="https://accounts.google.com/", error="invalid_request"';
    return jsonReply(401, refusal, { 'www-authenticate': challenge }, 2);
  }
  return jsonReply(200, claimsOf(grant), {}, 2);
}

/** Returns the claims of userinfo and the id_token, by scope. */
export function claimsOf(grant: Grant): Record<string, unknown> {
  const account = findPersona('google', grant.personaId)?.account;
  return {
    sub: account?.sub,
    ...(grant.scope.includes('profile') && {
      name: account?.name,
      given_name: account?.givenName,
      family_name: account?.familyName,
      picture: account?.picture,
    }),
    ...(grant.scope.includes('email') && { email: account?.email, email_verified: account?.emailVerified }),
    hd: account?.hd,
  };
}

/** Revocation endpoint: ends the connection of an access or refresh token, in the form or the query. */
export function handleRevoke(context: SandboxContext, call: Call): Reply {
  const token = call.form.get('token') ?? call.query.get('token') ?? '';
  const grant =
    context.grants.findByAccessToken('google', token) ?? context.grants.findByRefreshToken('google', token);
  if (grant === undefined) {
    return jsonReply(400, { error: 'invalid_token', error_description: 'Token expired or revoked' }, {}, 2);
  }
  context.grants.disconnect('google', grant.personaId);
  return jsonReply(200, {});
}
