import { createHash, randomBytes } from 'node:crypto';
import { decodeJwt } from 'jose';
import type { ProviderCredentials } from '../../config/providers.js';
import { Bulkhead } from '../../concurrency/bulkhead.js';
import { Problem } from '../../problems/problem.js';
import { isEmbeddedBrowser } from './embedded-browser.js';
import { HardenedStrategy, type Endpoints } from './hardened-strategy.js';
import { LoginError } from './login-error.js';
import type { ProviderDefinition, UnlinkNotice, UnlinkNoticeRequest } from './provider-definition.js';
import type { JsonObject } from './json.js';
import { requestUnlink } from './provider-http.js';
import type { ProviderGrant } from './provider-grants.js';
import type { SocialProfile } from './social-profile.js';

/** Parameters of an authorization request that its callback is checked with. */
interface AuthorizationRequest {
  readonly state: string;
  /** PKCE code verifier (RFC 7636). */
  readonly verifier: string;
  readonly nonce?: string;
}

/** User whom a provider has identified. */
export interface SocialLogin {
  readonly profile: SocialProfile;
  /** Token that can end the connection, for providers that need one. */
  readonly grant?: ProviderGrant;
}

/** Bulkheads of callbacks: the calls to a provider that run concurrently, and those that wait. */
const CALLBACKS = { concurrency: 16, queue: 64 };
const SLOW_CALLBACKS = { concurrency: 1, queue: 16 };

/** OAuth client for one enabled provider. */
export class Provider {
  readonly id: string;
  readonly name: string;
  /** URL of the login button. */
  readonly loginUrl: string;
  /** Bulkheads of {@link identify}; the second is for clients with many refused callbacks. */
  readonly callbacks: Bulkhead;
  readonly slowCallbacks: Bulkhead;
  private readonly strategy: HardenedStrategy;
  private readonly sendsNonce: boolean;

  constructor(
    private readonly definition: ProviderDefinition,
    private readonly credentials: ProviderCredentials,
    publicUrl: string,
  ) {
    this.id = definition.id;
    this.name = definition.name;
    this.loginUrl = `${publicUrl}/auth/${definition.id}`;
    this.callbacks = new Bulkhead(CALLBACKS, `calls of ${definition.id}`);
    this.slowCallbacks = new Bulkhead(SLOW_CALLBACKS, `calls of ${definition.id}`);
    // Only an id_token, which the scope `openid` asks for, returns the nonce.
    this.sendsNonce = credentials.scope.includes('openid');
    this.strategy = new HardenedStrategy(definition, credentials, this.endpoints(credentials));
  }

  /** Returns false for a `User-Agent` that the consent page of the provider refuses. */
  accepts(userAgent: string | undefined): boolean {
    return this.definition.refusesEmbeddedBrowsers !== true || !isEmbeddedBrowser(userAgent);
  }

  /** Returns the URL of the consent page, and the parameters that the callback is checked with. */
  async authorizationRequest(
    state: string,
  ): Promise<{ readonly url: string; readonly authorization: AuthorizationRequest }> {
    const nonce = this.sendsNonce ? randomBytes(32).toString('base64url') : undefined;
    const { url, verifier } = await this.strategy.authorize(state, {
      ...this.definition.authorizeWith,
      ...(nonce !== undefined && { nonce }),
    });
    if (verifier === undefined || !sendsStateAndS256Challenge(url, state, verifier))
      throw new Error(`the strategy for ${this.id} does not send state and an S256 challenge`);
    return { url, authorization: { state, verifier, nonce } };
  }

  /**
   * Redeems the code of a callback, and reads the profile of the user.
   * @throws {LoginError} `provider_…`, or `login_attempt_invalid` for a code of another transaction.
   */
  async identify(code: string, authorization: AuthorizationRequest): Promise<SocialLogin> {
    const extra = this.definition.repeatsState === true ? { state: authorization.state } : undefined;
    const { tokens, profile } = await this.strategy.redeem(code, authorization, extra ?? {});
    if (authorization.nonce !== undefined) checkNonce(tokens.id_token, authorization.nonce);
    const identified = this.definition.mapProfile(profile);
    if (identified === undefined)
      throw new LoginError('provider_unavailable', {
        reason: `${this.id} sent a profile without a usable subject`,
      });
    return { profile: identified, grant: this.grantIn(tokens) };
  }

  /**
   * Ends the connection of a user at the provider. Returns false where only the user can end it.
   * @throws {Error} when the call failed and is worth a retry.
   */
  async unlink(subject: string, grant: ProviderGrant | undefined): Promise<boolean> {
    const { unlink } = this.definition;
    // This provider has no call that ends a connection.
    if (unlink === undefined) return true;
    const connection = { subject, grant, credentials: this.credentials };
    const call = unlink.request(connection);
    if (call === undefined) return false;
    const endpoint = locate(unlink.endpoint, this.credentials.sandboxUrl);
    const { status, body } = await requestUnlink(this.definition, endpoint, call);
    const result = unlink.resultOf(status, body, connection);
    if (result === 'retry') throw new Error(`${this.id} answered ${status}`);
    return result === 'ended';
  }

  /**
   * Authenticates and reads a notice that a user has ended the connection at the provider.
   * @throws {Problem} `not_found` where the provider sends no notices by this method, or an error of
   *   {@link ProviderDefinition.unlinkNotice}.
   */
  readUnlinkNotice(request: UnlinkNoticeRequest): {
    readonly status: number;
    readonly notice: UnlinkNotice | undefined;
  } {
    const { unlinkNotice: webhook } = this.definition;
    if (webhook?.methods.includes(request.method) !== true) throw new Problem('not_found');
    return { status: webhook.status, notice: webhook.read(request, this.credentials) };
  }

  private grantIn(tokens: JsonObject): ProviderGrant | undefined {
    for (const kind of this.definition.unlink?.tokensToKeep(this.credentials) ?? []) {
      const token = tokens[kind];
      if (typeof token === 'string' && /^[\x21-\x7e]{1,4096}$/.test(token)) return { token, kind };
    }
    return undefined;
  }

  /** Checks the `iss` of a callback, against mix-up of two providers (RFC 9207). A callback without `iss` passes. */
  isIssuer(iss: string | undefined): boolean {
    return iss === undefined || this.definition.issuer === undefined || iss === this.definition.issuer;
  }

  private endpoints({ sandboxUrl }: ProviderCredentials): Endpoints {
    const { authorize, token, profile } = this.definition.endpoints;
    const at = (address: string) => locate(address, sandboxUrl);
    return {
      authorize: at(authorize),
      token: at(token),
      profile: at(profile),
      redirectUri: `${this.loginUrl}/callback`,
    };
  }
}

/**
 * True where the URL of the consent page has `state` and an S256 challenge. The older passport-oauth2 that passport-kakao
 * depends on drops both without an error; package.json overrides its version.
 */
function sendsStateAndS256Challenge(url: string, state: string, verifier: string): boolean {
  const sent = new URL(url).searchParams;
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  return (
    sent.get('state') === state &&
    sent.get('code_challenge_method') === 'S256' &&
    sent.get('code_challenge') === challenge
  );
}

/** Returns `https://host/path`, or `<sandbox>/host/path` with a sandbox. */
function locate(address: string, sandboxUrl: string | undefined): string {
  const { host, pathname } = new URL(address);
  return sandboxUrl === undefined ? address : `${sandboxUrl}/${host}${pathname}`;
}

/**
 * Checks the `nonce` of the id_token: another one means that the code is of another transaction (OpenID Connect Core §3.1.3.7).
 * Its signature is not checked, because it came from the token endpoint over TLS (item 6). No other claim of it is used.
 * Without a readable id_token, PKCE alone binds the code to the transaction.
 * @throws {LoginError} `login_attempt_invalid`.
 */
function checkNonce(idToken: unknown, nonce: string): void {
  let claims: { readonly nonce?: unknown };
  try {
    claims = decodeJwt(typeof idToken === 'string' ? idToken : '');
  } catch {
    return;
  }
  if (claims.nonce !== nonce)
    throw new LoginError('login_attempt_invalid', { reason: 'the id_token has another nonce' });
}
