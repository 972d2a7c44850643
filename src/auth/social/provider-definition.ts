import type OAuth2Strategy from 'passport-oauth2';
import type { ProviderCredentials, ProviderSettings } from '../../config/providers.js';
import type { JsonObject } from './json.js';
import type { LoginErrorCode } from './login-error.js';
import type { ProviderGrant } from './provider-grants.js';
import type { SocialProfile } from './social-profile.js';

/** Strategy of a Passport package, on top of passport-oauth2. */
export type StrategyClass = new (
  options: OAuth2Strategy.StrategyOptions,
  verify: OAuth2Strategy.VerifyFunction,
) => OAuth2Strategy;

/** Connection of a user at the provider, with the means to end it. */
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
 * Result of a call that ends a connection.
 * - `ended`: the connection does not exist any more.
 * - `token_invalid`: the token is no longer valid, and the connection may still exist. Only the user can end it, at the provider.
 * - `retry`: the call is worth a retry.
 */
export type UnlinkResult = 'ended' | 'token_invalid' | 'retry';

/** Call that ends the connection of a user at the provider, after an unlink here or the deletion of the account. */
interface Unlink {
  readonly endpoint: string;
  /** Kinds of token that the call can use. The first of them that a login brings is stored, sealed. */
  tokensToKeep(credentials: ProviderCredentials): readonly ProviderGrant['kind'][];
  /** Returns the call, or undefined without a usable token. */
  request(connection: Connection): UnlinkCall | undefined;
  /** Interprets the response to the call. */
  resultOf(status: number, body: JsonObject, connection: Connection): UnlinkResult;
}

/** Members of the query or form of a notice. */
export type NoticeMembers = Readonly<Record<string, unknown>>;

/** Request to `/auth/<id>/unlinked`. */
export interface UnlinkNoticeRequest {
  readonly method: 'GET' | 'POST';
  readonly authorization: string | undefined;
  readonly members: NoticeMembers;
}

/** Content of a notice: the user who has ended the connection, and the time of the notice in seconds since 1970. */
export interface UnlinkNotice {
  readonly subject: string;
  readonly sentAt?: number;
}

/** Unlink webhook: the provider reports at `/auth/<id>/unlinked` that a user has ended the connection there. */
interface UnlinkWebhook {
  readonly methods: readonly UnlinkNoticeRequest['method'][];
  /** HTTP status that the provider expects. */
  readonly status: 200 | 204;
  /**
   * Authenticates and reads a notice. Returns undefined for an authentic notice without a usable subject.
   * @throws {Problem} `provider_not_enabled` without the credential that notices are authenticated with, `forbidden` or
   *   `bad_request` for a notice that is not authentic.
   */
  read(request: UnlinkNoticeRequest, credentials: ProviderCredentials): UnlinkNotice | undefined;
}

/** Definition of one provider. A new provider is one file with one of these, and a line in `providers.ts`. */
export interface ProviderDefinition extends ProviderSettings {
  /** Id in paths, in the database and in the names of the settings. It never changes. */
  readonly id: string;
  /** Name on buttons and in mails. */
  readonly name: string;
  /** Real addresses, https. `OAUTH_SANDBOX_URL` replaces all of them. */
  readonly endpoints: { readonly authorize: string; readonly token: string; readonly profile: string };
  readonly Strategy: StrategyClass;
  /** Expected `iss` of callbacks that have one (RFC 9207). */
  readonly issuer?: string;
  /** True where the consent page refuses browsers that are embedded in apps. */
  readonly refusesEmbeddedBrowsers?: boolean;
  /** True where the token request must repeat `state`. */
  readonly repeatsState?: boolean;
  /** Returns the error code of a response, whatever its HTTP status; undefined for a success. */
  errorCode(body: JsonObject): unknown;
  /** Meanings of the provider's own error codes. They take precedence over the standard codes. */
  readonly errors: Readonly<Record<string, LoginErrorCode>>;
  /** Parameters of the authorization request beyond OAuth 2.0. */
  readonly authorizeWith?: Readonly<Record<string, string>>;
  /** Left out where a connection cannot be ended by a call. */
  readonly unlink?: Unlink;
  /** Left out where the provider sends no notices. */
  readonly unlinkNotice?: UnlinkWebhook;
  /** Maps a profile. Returns undefined for a profile without a usable subject. */
  mapProfile(profile: JsonObject): SocialProfile | undefined;
}
