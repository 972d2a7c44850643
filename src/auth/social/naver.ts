import { Strategy } from 'passport-naver-v2';
import { objectAt, type JsonObject } from './json.js';
import type { ProviderDefinition, StrategyClass } from './provider-definition.js';
import { avatarUrlOf, emailOf, nicknameOf, subjectOf } from './social-profile.js';

/**
 * Naver, at its classic endpoints: the documented ones, for every application. The newer `/oauth2/` ones would check PKCE,
 * but have to be switched on in the console, and nobody documents whether people keep their id there. Here the challenge
 * is sent and perhaps ignored; `state`, which the token request must repeat, is what binds the code to the attempt.
 */
export const naver: ProviderDefinition = {
  id: 'naver',
  name: 'Naver',
  // Naver has none: its console decides what is asked.
  defaultScope: '',
  pictureOrigins: ['https://phinf.pstatic.net', 'https://ssl.pstatic.net'],
  endpoints: {
    authorize: 'https://nid.naver.com/oauth2.0/authorize',
    token: 'https://nid.naver.com/oauth2.0/token',
    profile: 'https://openapi.naver.com/v1/nid/me',
  },
  Strategy: Strategy as unknown as StrategyClass,
  repeatsState: true,
  errorCode,
  errors: {
    // "no valid data in session": the code was used, is too old, or was never one.
    invalid_request: 'provider_rejected',
    '024': 'provider_rejected',
    '028': 'provider_rejected',
  },
  unlink: {
    endpoint: 'https://nid.naver.com/oauth2.0/revoke',
    tokensToKeep: () => ['refresh_token', 'access_token'],
    request: ({ grant, credentials: { clientId, clientSecret } }) =>
      grant && {
        form: {
          client_id: clientId,
          client_secret: clientSecret?.reveal() ?? '',
          token: grant.token,
          token_type_hint: grant.kind,
        },
      },
    // Also when it did not know the token.
    resultOf: (status, { error }) => (status === 200 && error === undefined ? 'over' : 'again'),
  },
  mapProfile(answer) {
    const person = objectAt(answer, 'response');
    const subject = subjectOf(person.id);
    if (subject === undefined) return undefined;
    return {
      provider: 'naver',
      subject,
      email: emailOf(person.email),
      // The address is one that the person typed in, of any domain, and nothing says whether it was checked.
      emailVerification: 'unsupported',
      // Never `name`: that is the name in the passport, and profiles are public.
      nickname: nicknameOf(person.nickname),
      avatarUrl: avatarUrlOf(person.profile_image),
    };
  },
};

/** The token endpoint says no with HTTP 200, and `invalid_request` also for a wrong client; only the text tells them apart. */
function errorCode({ error, error_description, resultcode }: JsonObject): unknown {
  const text = typeof error_description === 'string' ? error_description : '';
  if (error === 'invalid_request' && /\bclient\b/.test(text)) return 'invalid_client';
  return error ?? (resultcode === '00' ? undefined : resultcode);
}
