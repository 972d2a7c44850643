import { createHash, randomBytes } from 'node:crypto';
import { basicCredentials, checkClient, exchangeCode, type ExchangeRefusal } from '../exchange.js';
import type { Grant } from '../grants.js';
import { type Call, jsonReply, repeatedParameter, type Reply } from '../http.js';
import type { SandboxContext } from '../context.js';
import { GOOGLE_ISSUER, longScope } from './authorize.js';
import { claimsOf } from './api.js';

const ACCESS_TOKEN_TTL_S = 3599;

/** Errors of Google's token endpoint. The texts are not documented, but observed. */
const REFUSALS: Record<ExchangeRefusal, [error: string, description: string]> = {
  code_unknown: ['invalid_grant', 'Malformed auth code.'],
  code_spent: ['invalid_grant', 'Bad Request'],
  redirect_uri_differs: ['redirect_uri_mismatch', 'Bad Request'],
  state_differs: ['invalid_request', 'Bad Request'],
  verifier_missing: ['invalid_grant', 'Missing code verifier.'],
  verifier_wrong: ['invalid_grant', 'Invalid code verifier.'],
};

/** Google's token endpoint: exchanges a code or a refresh token for a bearer token and an id_token. */
export async function handleToken(context: SandboxContext, call: Call): Promise<Reply> {
  const repeated = repeatedParameter(call.form);
  if (repeated !== undefined)
    return refuse(400, 'invalid_request', `Parameter not allowed to repeat: ${repeated}`);
  const client = checkClient(context, basicCredentials(call) ?? call.form);
  if (client === 'unknown_client') return refuse(401, 'invalid_client', 'The OAuth client was not found.');
  if (client === 'wrong_secret') return refuse(401, 'invalid_client', 'Unauthorized');

  const grantType = call.form.get('grant_type') ?? '';
  if (grantType === 'refresh_token') return refresh(context, call);
  if (grantType !== 'authorization_code') {
    return refuse(400, 'unsupported_grant_type', `Invalid grant_type: ${grantType}`);
  }
  const grant = exchangeCode(context, 'google', call.form, { redirectUri: 'required', state: false });
  if (typeof grant === 'string') return refuse(400, ...REFUSALS[grant]);
  // Google issues a refresh token for offline access only, and only after a new consent.
  const refreshable = grant.offline && (grant.first || grant.prompt === 'consent');
  return grantTokens(
    context,
    grant,
    refreshable ? `1//0${randomBytes(48).toString('base64url')}` : undefined,
  );
}

function refresh(context: SandboxContext, call: Call): Promise<Reply> | Reply {
  const grant = context.grants.findByRefreshToken('google', call.form.get('refresh_token') ?? '');
  if (grant === undefined) return refuse(400, 'invalid_grant', 'Token has been expired or revoked.');
  return grantTokens(context, grant, undefined);
}

async function grantTokens(
  context: SandboxContext,
  grant: Grant,
  refreshToken: string | undefined,
): Promise<Reply> {
  const accessToken = `ya29.a0${randomBytes(96).toString('base64url')}`;
  context.grants.issueTokens(grant, accessToken, ACCESS_TOKEN_TTL_S, refreshToken);
  return jsonReply(
    200,
    {
      access_token: accessToken,
      expires_in: ACCESS_TOKEN_TTL_S,
      ...(refreshToken !== undefined && { refresh_token: refreshToken }),
      scope: longScope(grant.scope),
      token_type: 'Bearer',
      ...(grant.scope.includes('openid') && { id_token: await signIdToken(context, grant, accessToken) }),
    },
    {},
    2,
  );
}

function signIdToken(context: SandboxContext, grant: Grant, accessToken: string): Promise<string> {
  const now = Math.floor(context.clock() / 1000);
  return context.signer.sign({
    iss: GOOGLE_ISSUER,
    azp: context.clientId,
    aud: context.clientId,
    ...claimsOf(grant),
    at_hash: createHash('sha256').update(accessToken).digest().subarray(0, 16).toString('base64url'),
    ...(grant.nonce !== undefined && { nonce: grant.nonce }),
    iat: now,
    exp: now + 3600,
  });
}

function refuse(status: number, error: string, description: string): Reply {
  return jsonReply(status, { error, error_description: description }, {}, 2);
}
