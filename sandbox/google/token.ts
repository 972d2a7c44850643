import { createHash, randomBytes } from 'node:crypto';
import { basicCredentials, checkClient, exchangeCode, type ExchangeRefusal } from '../exchange.js';
import type { Grant } from '../grants.js';
import { type Call, jsonReply, repeatedParameter, type Reply } from '../http.js';
import type { SandboxContext } from '../context.js';
import { GOOGLE_ISSUER, longScope } from './authorize.js';
import { claimsOf } from './api.js';

const ACCESS_TOKEN_LIFE = 3599;

/** Google does not document the texts; these are the ones that people meet. */
const REFUSALS: Record<ExchangeRefusal, [error: string, description: string]> = {
  code_unknown: ['invalid_grant', 'Malformed auth code.'],
  code_spent: ['invalid_grant', 'Bad Request'],
  redirect_uri_differs: ['redirect_uri_mismatch', 'Bad Request'],
  state_differs: ['invalid_request', 'Bad Request'],
  verifier_missing: ['invalid_grant', 'Missing code verifier.'],
  verifier_wrong: ['invalid_grant', 'Invalid code verifier.'],
};

/** Google's token endpoint: code or refresh token in, bearer token and id_token out. */
export async function answerToken(world: SandboxContext, call: Call): Promise<Reply> {
  const repeated = repeatedParameter(call.form);
  if (repeated !== undefined)
    return refuse(400, 'invalid_request', `Parameter not allowed to repeat: ${repeated}`);
  const client = checkClient(world, basicCredentials(call) ?? call.form);
  if (client === 'unknown_client') return refuse(401, 'invalid_client', 'The OAuth client was not found.');
  if (client === 'wrong_secret') return refuse(401, 'invalid_client', 'Unauthorized');

  const grantType = call.form.get('grant_type') ?? '';
  if (grantType === 'refresh_token') return refresh(world, call);
  if (grantType !== 'authorization_code') {
    return refuse(400, 'unsupported_grant_type', `Invalid grant_type: ${grantType}`);
  }
  const grant = exchangeCode(world, 'google', call.form, { redirectUri: 'required', state: false });
  if (typeof grant === 'string') return refuse(400, ...REFUSALS[grant]);
  // Google hands out a refresh token for offline access only, and only when somebody has just consented.
  const refreshable = grant.offline && (grant.first || grant.prompt === 'consent');
  return grantTokens(world, grant, refreshable ? `1//0${randomBytes(48).toString('base64url')}` : undefined);
}

function refresh(world: SandboxContext, call: Call): Promise<Reply> | Reply {
  const grant = world.grants.findByRefreshToken('google', call.form.get('refresh_token') ?? '');
  if (grant === undefined) return refuse(400, 'invalid_grant', 'Token has been expired or revoked.');
  return grantTokens(world, grant, undefined);
}

async function grantTokens(
  world: SandboxContext,
  grant: Grant,
  refreshToken: string | undefined,
): Promise<Reply> {
  const accessToken = `ya29.a0${randomBytes(96).toString('base64url')}`;
  world.grants.issueTokens(grant, accessToken, ACCESS_TOKEN_LIFE, refreshToken);
  return jsonReply(
    200,
    {
      access_token: accessToken,
      expires_in: ACCESS_TOKEN_LIFE,
      ...(refreshToken !== undefined && { refresh_token: refreshToken }),
      scope: longScope(grant.scope),
      token_type: 'Bearer',
      ...(grant.scope.includes('openid') && { id_token: await signIdToken(world, grant, accessToken) }),
    },
    {},
    2,
  );
}

function signIdToken(world: SandboxContext, grant: Grant, accessToken: string): Promise<string> {
  const now = Math.floor(world.clock() / 1000);
  return world.signer.sign({
    iss: GOOGLE_ISSUER,
    azp: world.clientId,
    aud: world.clientId,
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
