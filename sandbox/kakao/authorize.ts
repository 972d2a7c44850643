import { randomBytes } from 'node:crypto';
import type { AuthorizeDialect } from '../authorize.js';
import { KAKAO_LOOK } from '../pages/looks.js';

/** Consent items that the application has configured, in the order of Kakao's console. */
export const KAKAO_SCOPES = ['profile_nickname', 'profile_image', 'account_email'] as const;

const MALFORMED = { status: 400, code: 'KOE001' };

/** Kakao's authorization endpoint. */
export const kakaoAuthorize: AuthorizeDialect = {
  provider: 'kakao',
  id: 'kakao',
  look: KAKAO_LOOK,
  pkce: 'required',
  readScope(query) {
    // Kakao's documentation separates scopes with commas, its own SDK with spaces. Without a scope all configured items are
    // requested, and `openid`, because the application has OpenID Connect switched on.
    const requested =
      query
        .get('scope')
        ?.split(/[ ,]+/)
        .filter((name) => name !== '') ?? [];
    if (requested.length === 0) return [...KAKAO_SCOPES, 'openid'];
    const configured: readonly string[] = [...KAKAO_SCOPES, 'openid'];
    return requested.every((name) => configured.includes(name)) ? requested : undefined;
  },
  withoutPage(query) {
    const isSilent = (query.get('prompt') ?? '').split(',').includes('none');
    return isSilent ? { error: 'consent_required', error_description: 'user consent required.' } : undefined;
  },
  refusals: {
    unknown_client: { status: 401, code: 'KOE101', detail: '잘못된 앱 키입니다. · The app key is wrong.' },
    redirect_uri: {
      status: 400,
      code: 'KOE006',
      detail: '등록되지 않은 Redirect URI입니다. · The redirect URI is not registered.',
    },
    response_type: {
      ...MALFORMED,
      detail: 'response_type은 code여야 합니다. · response_type has to be code.',
    },
    scope: {
      status: 400,
      code: 'KOE205',
      detail: `설정하지 않은 동의 항목입니다. · A consent item is not configured. (${KAKAO_SCOPES.join(', ')}, openid)`,
    },
    state: { ...MALFORMED, detail: 'state가 없습니다. · The sandbox insists on state.' },
    pkce: {
      ...MALFORMED,
      detail: 'code_challenge가 없거나 S256이 아닙니다. · The sandbox insists on PKCE with S256.',
    },
    repeated: { ...MALFORMED, detail: '같은 파라미터가 두 번 있습니다. · A parameter was sent twice.' },
  },
  cancelled: { error: 'access_denied', error_description: 'User denied access' },
  granted: (request, _persona, code) => ({ code, state: request.state }),
  newCode: () => randomBytes(64).toString('base64url'),
  space: '%20',
};
