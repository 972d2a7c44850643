import type { Grant } from '../grants.js';
import { bearerToken, type Call, jsonReply, type Reply } from '../http.js';
import { findPersona } from '../personas.js';
import type { SandboxContext } from '../context.js';
import { KAKAO_SCOPES } from './authorize.js';
import { accountOf, oidcUserinfo, userMe } from './profile.js';

const JSON_UTF8 = { 'content-type': 'application/json;charset=UTF-8' };

const NO_SUCH_TOKEN = jsonReply(401, { msg: 'this access token does not exist', code: -401 }, JSON_UTF8);
const NOT_LINKED = jsonReply(400, { msg: 'NotRegisteredUserException', code: -101 }, JSON_UTF8);

const ITEM_NAMES: Record<(typeof KAKAO_SCOPES)[number], string> = {
  profile_nickname: '닉네임',
  profile_image: '프로필 사진',
  account_email: '카카오계정(이메일)',
};

/** `/v2/user/me`: the profile. */
export function handleUserMe(context: SandboxContext, call: Call): Reply {
  const grant = context.grants.findByAccessToken('kakao', bearerToken(call));
  if (grant === undefined) return NO_SUCH_TOKEN;
  const secure = (call.query.get('secure_resource') ?? call.form.get('secure_resource')) === 'true';
  return jsonReply(
    200,
    userMe(grant, context.grants.connectedAt('kakao', grant.personaId), secure),
    JSON_UTF8,
  );
}

/** `/v1/oidc/userinfo`, which needs a token with the scope `openid`. */
export function handleOidcUserinfo(context: SandboxContext, call: Call): Reply {
  const grant = context.grants.findByAccessToken('kakao', bearerToken(call));
  if (grant === undefined) return NO_SUCH_TOKEN;
  if (!grant.scope.includes('openid')) {
    const refusal = {
      msg: 'insufficient scopes.',
      code: -402,
      api_type: 'OIDC_USERINFO',
      required_scopes: ['openid'],
    };
    return jsonReply(403, { ...refusal, allowed_scopes: grant.scope }, JSON_UTF8);
  }
  return jsonReply(200, oidcUserinfo(grant), JSON_UTF8);
}

/** `/v2/user/scopes`: the consent items to which the user agreed. */
export function handleScopes(context: SandboxContext, call: Call): Reply {
  const grant = context.grants.findByAccessToken('kakao', bearerToken(call));
  if (grant === undefined) return NO_SUCH_TOKEN;
  const account = accountOf(grant);
  const hasAgreed = (id: string): boolean =>
    grant.scope.includes(id) && (id !== 'account_email' || account.emailRefused !== true);
  return jsonReply(
    200,
    {
      id: account.id,
      scopes: KAKAO_SCOPES.map((id) => ({
        id,
        display_name: ITEM_NAMES[id],
        type: 'PRIVACY',
        using: true,
        agreed: hasAgreed(id),
        ...(hasAgreed(id) && { revocable: true }),
      })),
    },
    JSON_UTF8,
  );
}

/** `/v1/user/unlink`: by the user's token, or by the admin key and the user's id. */
export function handleUnlink(context: SandboxContext, call: Call): Reply {
  const target = findTarget(context, call);
  if (target === 'no_such_token') return NO_SUCH_TOKEN;
  if (target === 'not_linked') return NOT_LINKED;
  context.grants.disconnect('kakao', target.personaId);
  return jsonReply(200, { id: target.id }, JSON_UTF8);
}

/** `/v1/user/logout`: ends the tokens, not the connection. */
export function handleLogout(context: SandboxContext, call: Call): Reply {
  const target = findTarget(context, call);
  if (target === 'no_such_token') return NO_SUCH_TOKEN;
  if (target === 'not_linked') return NOT_LINKED;
  context.grants.endTokens('kakao', target.personaId);
  return jsonReply(200, { id: target.id }, JSON_UTF8);
}

interface Target {
  id: bigint;
  personaId: string;
}

function findTarget(context: SandboxContext, call: Call): Target | 'no_such_token' | 'not_linked' {
  const adminKey = /^KakaoAK ([^\s]+)$/.exec(call.headers.authorization ?? '')?.[1];
  if (adminKey === undefined) {
    const grant: Grant | undefined = context.grants.findByAccessToken('kakao', bearerToken(call));
    return grant === undefined ? 'no_such_token' : { id: accountOf(grant).id, personaId: grant.personaId };
  }
  if (adminKey !== context.kakaoAdminKey || call.form.get('target_id_type') !== 'user_id')
    return 'no_such_token';
  const personaId = context.grants
    .connectedPersonas('kakao')
    .find((id) => findPersona('kakao', id)?.account.id.toString() === call.form.get('target_id'));
  const account = personaId === undefined ? undefined : findPersona('kakao', personaId)?.account;
  return personaId === undefined || account === undefined ? 'not_linked' : { id: account.id, personaId };
}
