import { checkClient } from '../exchange.js';
import type { Grant } from '../grants.js';
import { bearerToken, type Call, jsonReply, type Reply } from '../http.js';
import type { NaverAccount } from '../accounts.js';
import { findPersona } from '../personas.js';
import type { SandboxContext } from '../context.js';

const JSON_UTF8 = { 'content-type': 'application/json;charset=utf-8' };

const NOT_AUTHENTICATED = jsonReply(
  401,
  { resultcode: '024', message: 'Authentication failed (인증 실패하였습니다.)' },
  JSON_UTF8,
);
const NO_HEADER = jsonReply(
  401,
  {
    resultcode: '028',
    message: 'Authentication header not exists (OAuth 인증 헤더(authorization header)가 없습니다.)',
  },
  JSON_UTF8,
);

/** `/v1/nid/me`: the profile, in the same shape for classic and OIDC tokens. */
export function handleMe(context: SandboxContext, call: Call): Reply {
  const grant = findGrant(context, call);
  if (grant === undefined) return call.headers.authorization === undefined ? NO_HEADER : NOT_AUTHENTICATED;
  const { profileImage, ...account } = accountOf(grant);
  return success({ ...account, profile_image: profileImage });
}

/** `/v1/nid/verify`: checks a token and, with `info=true`, lists the profile items that it may read. */
export function handleVerify(context: SandboxContext, call: Call): Reply {
  const grant = findGrant(context, call);
  if (grant === undefined) return call.headers.authorization === undefined ? NO_HEADER : NOT_AUTHENTICATED;
  if (call.query.get('info') !== 'true') {
    return jsonReply(200, { resultcode: '00', message: 'success' }, JSON_UTF8);
  }
  const { nickname, name, email, profileImage } = accountOf(grant);
  const items = { nickname, name, email, profile_image: profileImage };
  const allowed = Object.entries(items).filter(([, value]) => value !== undefined);
  return success({ token: bearerToken(call), allowed_profile: allowed.map(([item]) => item).join(',') });
}

/** `/oauth2.0/revoke`: ends the connection. Responds 200 without body, also for an unknown token. */
export function handleRevoke(context: SandboxContext, { form }: Call): Reply {
  if (checkClient(context, form) !== 'right') return jsonReply(401, { error: 'invalid_client' }, JSON_UTF8);
  const token = form.get('token') ?? '';
  const grant =
    context.grants.findByAccessToken('naver', token) ?? context.grants.findByRefreshToken('naver', token);
  if (grant !== undefined) context.grants.disconnect('naver', grant.personaId);
  return { status: 200, headers: {}, body: '' };
}

function success(response: object): Reply {
  return jsonReply(200, { resultcode: '00', message: 'success', response }, JSON_UTF8);
}

function findGrant(context: SandboxContext, call: Call): Grant | undefined {
  return context.grants.findByAccessToken('naver', bearerToken(call));
}

function accountOf(grant: Grant): NaverAccount {
  const persona = findPersona('naver', grant.personaId);
  if (persona === undefined) throw new Error(`Naver knows no ${grant.personaId}.`);
  return persona.account;
}
