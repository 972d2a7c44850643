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

/** What has to be remembered between sending a browser to a provider and seeing it again. */
export interface AuthorizationRequest {
  readonly state: string;
  /** RFC 7636. */
  readonly verifier: string;
  readonly nonce?: string;
}

/** What comes of a log-in at a provider. */
export interface SocialLogin {
  readonly profile: SocialProfile;
  /** What ends the connection later, where that takes a token. */
  readonly grant?: ProviderGrant;
}

/** Callbacks that call a provider at once, and those that wait before they do. */
const CALLBACKS = { concurrency: 16, queue: 64 };
const SLOW_CALLBACKS = { concurrency: 1, queue: 16 };

/** A provider that is enabled here: sends people there, and finds out who came back. */
export class Provider {
  readonly id: string;
  readonly name: string;
  /** Where a button leads. */
  readonly loginUrl: string;
  /** Bulkheads of {@link identify}; the second is for clients of which providers refused many callbacks. */
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
    // OpenID Connect has it, and nothing but OpenID Connect would give it back.
    this.sendsNonce = credentials.scope.includes('openid');
    this.strategy = new HardenedStrategy(definition, credentials, this.endpoints(credentials));
  }

  /** False where the provider does not show its consent page in the browser with this `User-Agent`. */
  accepts(userAgent: string | undefined): boolean {
    return this.definition.refusesEmbeddedBrowsers !== true || !isEmbeddedBrowser(userAgent);
  }

  /** Where to send a browser, with a challenge that only `departure` can answer. */
  async authorizationRequest(
    state: string,
  ): Promise<{ readonly url: string; readonly departure: AuthorizationRequest }> {
    const nonce = this.sendsNonce ? randomBytes(32).toString('base64url') : undefined;
    const { url, verifier } = await this.strategy.authorize(state, {
      ...this.definition.authorizeWith,
      ...(nonce !== undefined && { nonce }),
    });
    if (verifier === undefined || !sendsStateAndS256Challenge(url, state, verifier))
      throw new Error(`the strategy for ${this.id} does not send state and an S256 challenge`);
    return { url, departure: { state, verifier, nonce } };
  }

  /**
   * Who it is that came back with this code.
   * @throws {LoginError} `provider_…`, or `login_attempt_invalid` when the code belongs to another attempt.
   */
  async identify(code: string, departure: AuthorizationRequest): Promise<SocialLogin> {
    const extra = this.definition.repeatsState === true ? { state: departure.state } : undefined;
    const { tokens, profile } = await this.strategy.redeem(code, departure, extra ?? {});
    if (departure.nonce !== undefined) checkNonce(tokens.id_token, departure.nonce);
    const person = this.definition.mapProfile(profile);
    if (person === undefined)
      throw new LoginError('provider_unavailable', { reason: `${this.id} sent a profile of nobody` });
    return { profile: person, grant: this.grantIn(tokens) };
  }

  /**
   * Ends someone's connection at the provider; whether there is none any more.
   * @throws {Error} when that did not work, and is worth trying again.
   */
  async unlink(subject: string, grant: ProviderGrant | undefined): Promise<boolean> {
    const { unlink } = this.definition;
    // There is no such thing as a connection there.
    if (unlink === undefined) return true;
    const connection = { subject, grant, credentials: this.credentials };
    const call = unlink.request(connection);
    if (call === undefined) return false;
    const endpoint = locate(unlink.endpoint, this.credentials.sandboxUrl);
    const { status, answer } = await requestUnlink(this.definition, endpoint, call);
    const ending = unlink.resultOf(status, answer, connection);
    if (ending === 'again') throw new Error(`${this.id} answered ${status}`);
    return ending === 'over';
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

  /** RFC 9207: a callback that names its issuer must name this one, or somebody mixes two providers up. */
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
 * Whether only the browser that was sent there can come back with a code that we take. An older passport-oauth2, which
 * passport-kakao asks for, drops all of it without a word; package.json overrides it.
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

/** `https://host/path`, or `<sandbox>/host/path`. */
function locate(address: string, sandboxUrl: string | undefined): string {
  const { host, pathname } = new URL(address);
  return sandboxUrl === undefined ? address : `${sandboxUrl}/${host}${pathname}`;
}

/**
 * OpenID Connect Core §3.1.3.7: the id_token must carry our nonce, or the code was asked for elsewhere. It came from the
 * token endpoint over TLS, so its signature need not be checked (item 6). Nothing else is taken from it: where there is
 * none, or none that can be read, PKCE alone has bound the code to the attempt.
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
