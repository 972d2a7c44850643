import { randomBytes } from 'node:crypto';
import { checkClient, exchangeCode } from '../exchange.js';
import type { Grant } from '../grants.js';
import { type Call, jsonReply, repeatedParameter, type Reply } from '../http.js';
import { findPersona } from '../personas.js';
import type { SandboxContext } from '../context.js';

/** Issuer of Naver's id_tokens. */
export const NAVER_ISSUER = 'https://nid.naver.com';

const ACCESS_TOKEN_TTL_S = 3600;
const JSON_UTF8 = { 'content-type': 'application/json;charset=utf-8' };

/** Classic token endpoint, by GET or POST. Its errors have status 200. */
export function handleToken(context: SandboxContext, call: Call): Reply {
  const parameters = new URLSearchParams([...call.query, ...call.form]);
  if (repeatedParameter(parameters) !== undefined) return refuseWith200('duplicate parameter');
  if (checkClient(context, parameters) !== 'right')
    return refuseWith200('wrong client id / client secret pair');

  const grantType = parameters.get('grant_type');
  if (grantType === 'refresh_token') {
    const grant = context.grants.findByRefreshToken('naver', parameters.get('refresh_token') ?? '');
    return grant === undefined ? refuseWith200('invalid refresh_token') : grantTokens(context, grant);
  }
  if (grantType !== 'authorization_code') return refuseWith200('invalid grant_type');
  const grant = exchangeCode(context, 'naver', parameters, { redirectUri: 'if_sent', state: true });
  // One text for all errors of code, state and verifier, as at Naver.
  if (typeof grant === 'string') return refuseWith200('no valid data in session');
  return grantTokens(context, grant, newToken());
}

function grantTokens(context: SandboxContext, grant: Grant, refreshToken?: string): Reply {
  const accessToken = newToken();
  context.grants.issueTokens(grant, accessToken, ACCESS_TOKEN_TTL_S, refreshToken);
  return jsonReply(
    200,
    {
      access_token: accessToken,
      ...(refreshToken !== undefined && { refresh_token: refreshToken }),
      token_type: 'bearer',
      expires_in: String(ACCESS_TOKEN_TTL_S),
    },
    JSON_UTF8,
  );
}

/** Returns a token with `+`, `/` and `=`, as Naver's tokens may have: a query must encode them. */
function newToken(): string {
  return `AAAA+/${randomBytes(46).toString('base64')}`;
}

function refuseWith200(description: string): Reply {
  return jsonReply(200, { error: 'invalid_request', error_description: description }, JSON_UTF8);
}

/** OIDC token endpoint: POST only, errors with 4xx statuses, an id_token and no refresh token. */
export async function handleOidcToken(context: SandboxContext, { form }: Call): Promise<Reply> {
  if (repeatedParameter(form) !== undefined) return jsonReply(400, { error: 'invalid_request' }, JSON_UTF8);
  if (checkClient(context, form) !== 'right') return jsonReply(401, { error: 'invalid_client' }, JSON_UTF8);
  if (form.get('grant_type') !== 'authorization_code') {
    return jsonReply(400, { error: 'unsupported_grant_type' }, JSON_UTF8);
  }
  const grant = exchangeCode(context, 'naver-oidc', form, { redirectUri: 'required', state: true });
  if (typeof grant === 'string') return jsonReply(400, { error: 'invalid_grant' }, JSON_UTF8);

  const accessToken = newToken();
  context.grants.issueTokens(grant, accessToken, ACCESS_TOKEN_TTL_S);
  const now = Math.floor(context.clock() / 1000);
  // No nonce, because Naver does not document the parameter.
  const claims = { iss: NAVER_ISSUER, aud: context.clientId, iat: now, exp: now + ACCESS_TOKEN_TTL_S };
  return jsonReply(
    200,
    {
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: ACCESS_TOKEN_TTL_S,
      scope: grant.scope.join(' '),
      id_token: await context.signer.sign({
        ...claims,
        sub: findPersona('naver', grant.personaId)?.account.id,
      }),
    },
    JSON_UTF8,
  );
}
