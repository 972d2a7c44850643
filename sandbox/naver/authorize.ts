import { randomBytes } from 'node:crypto';
import type { AuthorizeDialect } from '../authorize.js';
import { NAVER_LOOK } from '../pages/looks.js';

const MALFORMED = { status: 400, code: 'invalid_request' };

/** Naver's classic authorization endpoint: no scopes, no documented PKCE. */
export const naverAuthorize: AuthorizeDialect = {
  provider: 'naver',
  id: 'naver',
  look: NAVER_LOOK,
  pkce: 'undocumented',
  // Profile items are configured in Naver's console. A scope in the request is ignored.
  readScope: () => [],
  withoutPage(query) {
    // `autologin` works inside Naver's app only.
    const isSilent = query.get('auth_type') === 'autologin';
    return isSilent
      ? { error: 'access_denied', error_description: 'unsupported browser environment.' }
      : undefined;
  },
  refusals: {
    unknown_client: {
      status: 400,
      code: 'unauthorized_client',
      detail: '등록되지 않은 client_id입니다. · The client_id is not registered.',
    },
    redirect_uri: {
      ...MALFORMED,
      detail:
        '등록된 Callback URL과 redirect_uri가 다릅니다. · redirect_uri is not a registered callback URL.',
    },
    response_type: {
      status: 400,
      code: 'unsupported_response_type',
      detail: 'response_type은 code여야 합니다. · response_type has to be code.',
    },
    scope: {
      status: 400,
      code: 'invalid_scope',
      detail: '요청할 수 없는 scope입니다. · The scope cannot be asked for.',
    },
    state: { ...MALFORMED, detail: 'state가 없습니다. · state is missing.' },
    pkce: {
      ...MALFORMED,
      detail: 'code_challenge가 없거나 S256이 아닙니다. · The sandbox takes PKCE with S256 only.',
    },
    repeated: { ...MALFORMED, detail: '같은 파라미터가 두 번 있습니다. · A parameter was sent twice.' },
  },
  cancelled: { error: 'access_denied', error_description: 'Canceled By User' },
  granted: (request, _persona, code) => ({ code, state: request.state }),
  newCode: () => randomBytes(16).toString('base64url').replace(/[-_]/g, 'x'),
  space: '+',
};

/** Naver's newer authorization endpoint: `openid` required, no scope for e-mail, PKCE with S256. */
export const naverOidcAuthorize: AuthorizeDialect = {
  ...naverAuthorize,
  id: 'naver-oidc',
  pkce: 'required',
  readScope(query) {
    const requested = (query.get('scope') ?? '').split(' ').filter((name) => name !== '');
    const isKnown = requested.every((name) => name === 'openid' || name === 'profile');
    return isKnown && requested.includes('openid') ? requested : undefined;
  },
};
