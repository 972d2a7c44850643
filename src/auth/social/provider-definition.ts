import type OAuth2Strategy from 'passport-oauth2';
import type { ProviderCredentials, ProviderSettings } from '../../config/providers.js';
import type { JsonObject } from './json.js';
import type { LoginErrorCode } from './login-error.js';
import type { ProviderGrant } from './provider-grants.js';
import type { SocialProfile } from './social-profile.js';

/** What a package for a provider exports: a strategy on top of passport-oauth2. */
export type StrategyClass = new (
  options: OAuth2Strategy.StrategyOptions,
  verify: OAuth2Strategy.VerifyFunction,
) => OAuth2Strategy;

/** Whose connection is to be ended, and with what. */
export interface Connection {
  readonly subject: string;
  readonly grant?: ProviderGrant;
  readonly credentials: ProviderCredentials;
}

/** A POST with a form. */
export interface UnlinkCall {
  readonly headers?: Readonly<Record<string, string>>;
  readonly form: Readonly<Record<string, string>>;
}

/**
 * What came of telling a provider. `over`: there is no connection any more. `powerless`: what we have to end it with is no
 * good any more, and the connection may live on; only the person can end it, there. `again`: it is worth trying again.
 */
export type UnlinkResult = 'over' | 'powerless' | 'again';

/** How a provider is told that somebody has left. */
export interface Unlink {
  readonly endpoint: string;
  /** Which of the person's tokens is needed, and therefore kept: the first of these that there is. */
  tokensToKeep(credentials: ProviderCredentials): readonly ProviderGrant['kind'][];
  /** The call; undefined where there is nothing to make it with. */
  request(
    connection: Connection,
  ): { readonly headers?: Record<string, string>; readonly form: Record<string, string> } | undefined;
  /** What the answer to that call means. */
  resultOf(status: number, answer: JsonObject, connection: Connection): UnlinkResult;
}

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
  /** True where its consent page refuses browsers that are embedded in apps. */
  readonly refusesEmbeddedBrowsers?: boolean;
  /** Whether the token request must repeat `state`. */
  readonly repeatsState?: boolean;
  /** The code with which an answer says no, whatever its HTTP status; undefined when it does not. */
  errorCode(answer: JsonObject): unknown;
  /** What the provider's own codes mean, before the common ones are asked. */
  readonly errors: Readonly<Record<string, LoginErrorCode>>;
  /** What a log-in is asked with besides what OAuth 2.0 has. */
  readonly authorizeWith?: Readonly<Record<string, string>>;
  /** How a person's connection is ended at the provider; left out where that is not possible. */
  readonly unlink?: Unlink;
  /** Reads a profile. Undefined when it does not say who it is about. */
  mapProfile(profile: JsonObject): SocialProfile | undefined;
}
