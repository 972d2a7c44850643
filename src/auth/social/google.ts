import { Strategy } from 'passport-google-oauth20';
import { objectAt } from './json.js';
import type { ProviderDefinition, StrategyClass } from './provider-definition.js';
import { avatarUrlOf, emailOf, nicknameOf, subjectOf } from './social-profile.js';

/** Google, by OpenID Connect. The profile is read from userinfo rather than from the id_token. */
export const google: ProviderDefinition = {
  id: 'google',
  name: 'Google',
  defaultScope: 'openid email profile',
  // Not its subdomains: anyone can rent machines below bc.googleusercontent.com.
  pictureOrigins: ['https://lh3.googleusercontent.com'],
  endpoints: {
    authorize: 'https://accounts.google.com/o/oauth2/v2/auth',
    token: 'https://oauth2.googleapis.com/token',
    profile: 'https://openidconnect.googleapis.com/v1/userinfo',
  },
  Strategy: Strategy as unknown as StrategyClass,
  issuer: 'https://accounts.google.com',
  refusesEmbeddedBrowsers: true,
  // Older interfaces of Google answer `{ "error": { "status": "UNAUTHENTICATED" } }`.
  errorCode: (body) => objectAt(body, 'error').status ?? body.error,
  errors: { UNAUTHENTICATED: 'provider_rejected', PERMISSION_DENIED: 'provider_misconfigured' },
  // With it the first consent brings a refresh token, which ends the connection when the account is deleted later.
  authorizeWith: { access_type: 'offline' },
  unlink: {
    endpoint: 'https://oauth2.googleapis.com/revoke',
    tokensToKeep: () => ['refresh_token', 'access_token'],
    request: ({ grant }) => grant && { form: { token: grant.token } },
    resultOf(status, _, { grant }) {
      // The token is not valid any more. An access token expires after an hour; a refresh token lives as long as the connection.
      if (status === 400) return grant?.kind === 'refresh_token' ? 'ended' : 'token_invalid';
      return status === 200 ? 'ended' : 'retry';
    },
  },
  mapProfile(profile) {
    const subject = subjectOf(profile.sub);
    if (subject === undefined) return undefined;
    const email = emailOf(profile.email);
    return {
      provider: 'google',
      subject,
      email,
      emailVerification: isAuthoritative(email, profile) ? 'verified' : 'unverified',
      nickname: nicknameOf(profile.name),
      avatarUrl: avatarUrlOf(profile.picture),
    };
  },
};

/**
 * True for an address that Google vouches for: its own mailboxes, and those of companies that it hosts. Any other address was
 * verified once, and may have changed hands (developers.google.com, "Authenticate with a backend server").
 */
function isAuthoritative(email: string | undefined, profile: Readonly<Record<string, unknown>>): boolean {
  if (email === undefined || profile.email_verified !== true) return false;
  return /@gmail\.com$/i.test(email) || (typeof profile.hd === 'string' && profile.hd !== '');
}
