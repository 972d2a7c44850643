import { randomBytes } from 'node:crypto';
import { checkClient, exchangeCode } from '../exchange.js';
import type { Grant } from '../grants.js';
import { type Call, jsonReply, repeatedParameter, type Reply } from '../http.js';
import { findPersona } from '../personas.js';
import type { SandboxContext } from '../context.js';

/** The issuer of Naver's id_tokens. */
export const NAVER_ISSUER = 'https://nid.naver.com';

const ACCESS_TOKEN_LIFE = 3600;
const JSON_UTF8 = { 'content-type': 'application/json;charset=utf-8' };

/** The classic token endpoint, by GET or POST. Its errors come with HTTP 200. */
export function answerToken(world: SandboxContext, call: Call): Reply {
  const parameters = new URLSearchParams([...call.query, ...call.form]);
  if (repeatedParameter(parameters) !== undefined) return refuseWith200('duplicate parameter');
  if (checkClient(world, parameters) !== 'right')
    return refuseWith200('wrong client id / client secret pair');

  const grantType = parameters.get('grant_type');
  if (grantType === 'refresh_token') {
    const grant = world.grants.findByRefreshToken('naver', parameters.get('refresh_token') ?? '');
    return grant === undefined ? refuseWith200('invalid refresh_token') : grantTokens(world, grant);
  }
  if (grantType !== 'authorization_code') return refuseWith200('invalid grant_type');
  const grant = exchangeCode(world, 'naver', parameters, { redirectUri: 'if_sent', state: true });
  // One text for every fault of the code, the state or the verifier: the real one does not say more.
  if (typeof grant === 'string') return refuseWith200('no valid data in session');
  return grantTokens(world, grant, newToken());
}

function grantTokens(world: SandboxContext, grant: Grant, refreshToken?: string): Reply {
  const accessToken = newToken();
  world.grants.issueTokens(grant, accessToken, ACCESS_TOKEN_LIFE, refreshToken);
  return jsonReply(
    200,
    {
      access_token: accessToken,
      ...(refreshToken !== undefined && { refresh_token: refreshToken }),
      token_type: 'bearer',
      expires_in: String(ACCESS_TOKEN_LIFE),
    },
    JSON_UTF8,
  );
}

/** Naver's tokens hold `+`, `/` and `=`, which die in a query that is not encoded; here each of them surely appears. */
function newToken(): string {
  return `AAAA+/${randomBytes(46).toString('base64')}`;
}

function refuseWith200(description: string): Reply {
  return jsonReply(200, { error: 'invalid_request', error_description: description }, JSON_UTF8);
}

/** The OIDC token endpoint: POST only, honest statuses, an id_token and no refresh token. */
export async function answerOidcToken(world: SandboxContext, { form }: Call): Promise<Reply> {
  if (repeatedParameter(form) !== undefined) return jsonReply(400, { error: 'invalid_request' }, JSON_UTF8);
  if (checkClient(world, form) !== 'right') return jsonReply(401, { error: 'invalid_client' }, JSON_UTF8);
  if (form.get('grant_type') !== 'authorization_code') {
    return jsonReply(400, { error: 'unsupported_grant_type' }, JSON_UTF8);
  }
  const grant = exchangeCode(world, 'naver-oidc', form, { redirectUri: 'required', state: true });
  if (typeof grant === 'string') return jsonReply(400, { error: 'invalid_grant' }, JSON_UTF8);

  const accessToken = newToken();
  world.grants.issueTokens(grant, accessToken, ACCESS_TOKEN_LIFE);
  const now = Math.floor(world.clock() / 1000);
  // No nonce: Naver's document does not know the parameter, so nobody may count on its coming back.
  const claims = { iss: NAVER_ISSUER, aud: world.clientId, iat: now, exp: now + ACCESS_TOKEN_LIFE };
  return jsonReply(
    200,
    {
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: ACCESS_TOKEN_LIFE,
      scope: grant.scope.join(' '),
      id_token: await world.signer.sign({
        ...claims,
        sub: findPersona('naver', grant.personaId)?.account.id,
      }),
    },
    JSON_UTF8,
  );
}
