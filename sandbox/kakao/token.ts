import { randomBytes } from 'node:crypto';
import { checkClient, exchangeCode, type ExchangeRefusal } from '../exchange.js';
import type { Grant } from '../grants.js';
import { type Call, jsonReply, repeatedParameter, type Reply } from '../http.js';
import { findPersona } from '../personas.js';
import type { SandboxContext } from '../context.js';

/** Issuer of Kakao's id_tokens. */
export const KAKAO_ISSUER = 'https://kauth.kakao.com';

const ACCESS_TOKEN_TTL_S = 21_599;
const REFRESH_TOKEN_TTL_S = 5_183_999;

/** Kakao's token endpoint. It accepts forms only, and the client secret only as a form member. */
export async function handleToken(context: SandboxContext, call: Call): Promise<Reply> {
  const { form } = call;
  if (repeatedParameter(form) !== undefined)
    return refuse(400, 'invalid_request', 'Duplicated parameter.', 'KOE201');
  const client = checkClient(context, form);
  if (client === 'unknown_client') return refuse(401, 'invalid_client', 'Not exist client_id', 'KOE101');
  if (client === 'wrong_secret') {
    return refuse(401, 'invalid_client', 'Bad client credentials', 'KOE010', {
      'www-authenticate': 'Basic realm="oauth"',
    });
  }
  const grantType = form.get('grant_type') ?? '';
  if (grantType === 'refresh_token') return refresh(context, form);
  if (grantType !== 'authorization_code') {
    return refuse(400, 'invalid_request', 'Not supported grant_type.', 'KOE202');
  }
  const grant = exchangeCode(context, 'kakao', form, { redirectUri: 'required', state: false });
  return typeof grant === 'string' ? refuseCode(grant, form.get('code') ?? '') : grantTokens(context, grant);
}

function refuseCode(refusal: ExchangeRefusal, code: string): Reply {
  switch (refusal) {
    case 'code_unknown':
    case 'code_spent':
      // Kakao echoes the code as well, so that clients must neither log nor forward this text.
      return refuse(400, 'invalid_grant', `authorization code not found for code=${code}`, 'KOE320');
    case 'redirect_uri_differs':
      return refuse(400, 'invalid_grant', 'Redirect URI mismatch.', 'KOE303');
    case 'verifier_missing':
    case 'verifier_wrong':
    case 'state_differs':
      // No error_code, because Kakao documents none for a failed PKCE check, and clients must not depend on an invented one.
      return refuse(400, 'invalid_grant', 'code verifier is missing or wrong');
  }
}

function refresh(context: SandboxContext, form: URLSearchParams): Promise<Reply> | Reply {
  if (!form.has('refresh_token')) return refuse(400, 'invalid_grant', 'refresh_token is missing', 'KOE319');
  const grant = context.grants.findByRefreshToken('kakao', form.get('refresh_token') ?? '');
  if (grant === undefined) return refuse(400, 'invalid_grant', 'expired_or_invalid_refresh_token', 'KOE322');
  // Kakao issues a new refresh token only in the last month of the old one.
  return grantTokens(context, grant, false);
}

async function grantTokens(context: SandboxContext, grant: Grant, withRefreshToken = true): Promise<Reply> {
  const accessToken = randomBytes(40).toString('base64url');
  const refreshToken = withRefreshToken ? randomBytes(40).toString('base64url') : undefined;
  context.grants.issueTokens(grant, accessToken, ACCESS_TOKEN_TTL_S, refreshToken);
  return jsonReply(
    200,
    {
      access_token: accessToken,
      token_type: 'bearer',
      ...(refreshToken !== undefined && { refresh_token: refreshToken }),
      expires_in: ACCESS_TOKEN_TTL_S,
      scope: grant.scope.join(' '),
      ...(refreshToken !== undefined && { refresh_token_expires_in: REFRESH_TOKEN_TTL_S }),
      ...(grant.scope.includes('openid') && { id_token: await signIdToken(context, grant) }),
    },
    { 'content-type': 'application/json;charset=UTF-8' },
  );
}

function signIdToken(context: SandboxContext, grant: Grant): Promise<string> {
  const account = findPersona('kakao', grant.personaId)?.account;
  const now = Math.floor(context.clock() / 1000);
  const hasEmail = grant.scope.includes('account_email') && account?.emailRefused !== true;
  const isTrusted = account?.isEmailValid === true && account.isEmailVerified === true;
  return context.signer.sign({
    iss: KAKAO_ISSUER,
    aud: context.clientId,
    sub: account?.id.toString(),
    auth_time: now,
    iat: now,
    exp: now + ACCESS_TOKEN_TTL_S,
    ...(grant.nonce !== undefined && { nonce: grant.nonce }),
    ...(grant.scope.includes('profile_nickname') && { nickname: account?.nickname }),
    ...(grant.scope.includes('profile_image') && { picture: account?.picture }),
    ...(hasEmail && isTrusted && { email: account.email }),
  });
}

function refuse(
  status: number,
  error: string,
  description: string,
  code?: string,
  headers: Record<string, string> = {},
): Reply {
  return jsonReply(
    status,
    { error, error_description: description, ...(code !== undefined && { error_code: code }) },
    { 'content-type': 'application/json;charset=UTF-8', ...headers },
  );
}
