import type OAuth2Strategy from 'passport-oauth2';
import type { ProviderSettings } from '../../config.js';
import type { JsonObject } from './json.js';
import type { LoginErrorCode } from './login-error.js';
import type { SocialProfile } from './social-profile.js';

/** What a package for a provider exports: a strategy on top of passport-oauth2. */
export type StrategyClass = new (
  options: OAuth2Strategy.StrategyOptions,
  verify: OAuth2Strategy.VerifyFunction,
) => OAuth2Strategy;

/** Everything that is special about one provider. A new provider is one file with one of these, and a line in `providers.ts`. */
export interface ProviderDefinition extends ProviderSettings {
  /** In our paths, in the database and in the names of the settings; never changes. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  /** The real addresses, https. `OAUTH_SANDBOX_URL` moves all of them. */
  readonly endpoints: { readonly authorize: string; readonly token: string; readonly profile: string };
  readonly Strategy: StrategyClass;
  /** What `iss` must be where a callback has it (RFC 9207). */
  readonly issuer?: string;
  /** Whether the token request must repeat `state`. */
  readonly repeatsState?: boolean;
  /** The code with which an answer says no, whatever its HTTP status; undefined when it does not. */
  errorCode(answer: JsonObject): unknown;
  /** What the provider's own codes mean, before the common ones are asked. */
  readonly errors: Readonly<Record<string, LoginErrorCode>>;
  /** Reads a profile. Undefined when it does not say who it is about. */
  mapProfile(profile: JsonObject): SocialProfile | undefined;
}
