import { Strategy } from 'passport-google-oauth20';
import { objectAt } from './json.js';
import type { ProviderDefinition, StrategyClass } from './provider-definition.js';
import { avatarUrlOf, emailOf, nicknameOf, subjectOf } from './social-profile.js';

/** Google, by OpenID Connect. The id_token is not needed: userinfo says the same, over a connection that we opened. */
export const google: ProviderDefinition = {
  id: 'google',
  name: 'Google',
  defaultScope: 'openid email profile',
  // Not its subdomains: those of bc.googleusercontent.com are machines that anyone can rent.
  pictureOrigins: ['https://lh3.googleusercontent.com'],
  endpoints: {
    authorize: 'https://accounts.google.com/o/oauth2/v2/auth',
    token: 'https://oauth2.googleapis.com/token',
    profile: 'https://openidconnect.googleapis.com/v1/userinfo',
  },
  Strategy: Strategy as unknown as StrategyClass,
  issuer: 'https://accounts.google.com',
  refusesEmbeddedBrowsers: true,
  // Its older interfaces answer `{ "error": { "status": "UNAUTHENTICATED" } }`.
  errorCode: (answer) => objectAt(answer, 'error').status ?? answer.error,
  errors: { UNAUTHENTICATED: 'provider_rejected', PERMISSION_DENIED: 'provider_misconfigured' },
  // Only then is there a refresh token, at the first consent: what a deletion months later revokes with.
  authorizeWith: { access_type: 'offline' },
  unlink: {
    endpoint: 'https://oauth2.googleapis.com/revoke',
    tokensToKeep: () => ['refresh_token', 'access_token'],
    request: ({ grant }) => grant && { form: { token: grant.token } },
    resultOf(status, _, { grant }) {
      // The token was no good any more. An access token lasts an hour; a refresh token lasts until the connection ends.
      if (status === 400) return grant?.kind === 'refresh_token' ? 'over' : 'powerless';
      return status === 200 ? 'over' : 'again';
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
 * Google answers only for its own mailboxes and for those of companies it hosts. Any other address was verified once, and
 * may have changed hands since: developers.google.com, "Authenticate with a backend server".
 */
function isAuthoritative(email: string | undefined, profile: Readonly<Record<string, unknown>>): boolean {
  if (email === undefined || profile.email_verified !== true) return false;
  return /@gmail\.com$/i.test(email) || (typeof profile.hd === 'string' && profile.hd !== '');
}
