import type OAuth2Strategy from 'passport-oauth2';
import type { ProviderCredentials } from '../../config/providers.js';
import { runStrategy } from '../login/run-strategy.js';
import type { JsonObject } from './json.js';
import type { ProviderDefinition } from './provider-definition.js';
import { requestProfile, requestTokens } from './provider-http.js';

/**
 * Private members of passport-oauth2 that are replaced here. package.json pins its version, and `provider.ts` checks the resulting
 * authorization request at start-up.
 */
interface StrategyInternals {
  _oauth2: {
    _authorizeUrl: string;
    _clientSecret: string;
    _request(...parameters: unknown[]): void;
    getOAuthAccessToken(
      code: string,
      params: Record<string, string>,
      done: Done<[string, undefined, JsonObject]>,
    ): void;
  };
  _createOAuthError(message: string, error: unknown): unknown;
  userProfile(accessToken: string, done: Done<[JsonObject]>): void;
  authorizationParams(options: StepOptions): object;
  tokenParams(options: StepOptions): object;
  authenticate(request: Step, options: StepOptions): void;
}
type Done<Values extends unknown[]> = (error: unknown, ...values: Partial<Values>) => void;

/** Request as a strategy sees it: no body, no headers, and of the query only the code. */
interface Step {
  readonly query: { readonly code?: string };
  readonly state: string;
  verifier?: string;
}
interface StepOptions {
  readonly extra?: Readonly<Record<string, string>>;
}

/** Endpoints of a provider, and the redirect URI. */
export interface Endpoints {
  readonly authorize: string;
  readonly token: string;
  readonly profile: string;
  readonly redirectUri: string;
}

/** Token response and profile of a provider, unchanged. */
interface ProviderResponses {
  readonly tokens: JsonObject;
  readonly profile: JsonObject;
}

/**
 * Strategy of a Passport package with its transport and its session replaced. The package makes the authorization request, the PKCE
 * challenge and the sequence of calls; `provider-http.ts` makes the calls, and a sealed cookie takes the place of the session.
 */
export class HardenedStrategy {
  private readonly strategy: StrategyInternals;

  constructor(definition: ProviderDefinition, credentials: ProviderCredentials, endpoints: Endpoints) {
    const { clientId, clientSecret, scope } = credentials;
    const options: OAuth2Strategy.StrategyOptions = {
      clientID: clientId,
      // An empty text, because two of the packages replace a missing secret. The real one goes into `form` below.
      clientSecret: '',
      authorizationURL: endpoints.authorize,
      tokenURL: endpoints.token,
      callbackURL: endpoints.redirectUri,
      scope: scope.length > 0 ? [...scope] : undefined,
      pkce: true,
      store: stateStore as unknown as OAuth2Strategy.StateStore,
    };
    const strategy = new definition.Strategy(options, takeResponses) as unknown as StrategyInternals;
    const { _oauth2: oauth2 } = strategy;
    const authorizationParams = strategy.authorizationParams.bind(strategy);
    // passport-kakao has no option for the URLs.
    oauth2._authorizeUrl = endpoints.authorize;
    oauth2._clientSecret = '';
    oauth2._request = (...parameters) => {
      (parameters.at(-1) as Done<[]>)(new Error('the transport of the package is disabled'));
    };
    oauth2.getOAuthAccessToken = (code, params, done) => {
      const form: Record<string, string> = { ...params, client_id: clientId, code };
      // Kakao refuses any secret, even an empty one, of an application without one.
      if (clientSecret !== undefined) form.client_secret = clientSecret.reveal();
      void callBack(
        requestTokens(definition, endpoints.token, form),
        (tokens) => done(undefined, tokens.access_token, undefined, tokens),
        done,
      );
    };
    strategy.userProfile = (accessToken, done) => {
      void callBack(
        requestProfile(definition, endpoints.profile, accessToken),
        (profile) => done(undefined, profile),
        done,
      );
    };
    // The original wraps errors into ones with the body of the provider.
    strategy._createOAuthError = (_message, error) => error;
    strategy.authorizationParams = (options) => ({
      ...authorizationParams(options),
      ...options.extra,
    });
    strategy.tokenParams = ({ extra }) => ({ ...extra });
    this.strategy = strategy;
  }

  /** Returns the URL of the consent page, and the PKCE verifier. */
  async authorize(
    state: string,
    extra: Readonly<Record<string, string>>,
  ): Promise<{ url: string; verifier: string | undefined }> {
    const step: Step = { query: {}, state };
    const outcome = await runStrategy(this.strategy, step, { extra });
    if (outcome.action !== 'redirect') throw new Error('the strategy did not redirect');
    return { url: outcome.url, verifier: step.verifier };
  }

  /**
   * Redeems the code of a callback for tokens and a profile.
   * @throws {LoginError} `provider_…`.
   */
  async redeem(
    code: string,
    { state, verifier }: { readonly state: string; readonly verifier: string },
    extra: Readonly<Record<string, string>>,
  ): Promise<ProviderResponses> {
    const outcome = await runStrategy(this.strategy, { query: { code }, state, verifier }, { extra });
    if (outcome.action !== 'success') throw new Error('the strategy did not redeem the code');
    return outcome.user as ProviderResponses;
  }
}

/**
 * State store of passport-oauth2. `TransactionCookies` has checked the state before `verify` is called. The unused parameters are
 * necessary, because passport-oauth2 counts the declared ones (5 means PKCE, 4 means with metadata).
 */
const stateStore = {
  store(step: Step, verifier: string, _state: unknown, _meta: unknown, done: Done<[string]>): void {
    step.verifier = verifier;
    done(undefined, step.state);
  },
  verify(step: Step, _state: unknown, _meta: unknown, done: Done<[string]>): void {
    done(undefined, step.verifier);
  },
};

/** Verify function of the strategy. passport-oauth2 passes the token response only to a function of five parameters. */
function takeResponses(
  _accessToken: string,
  _refreshToken: string,
  tokens: JsonObject,
  profile: JsonObject,
  done: (error: unknown, responses: ProviderResponses) => void,
): void {
  done(undefined, { tokens, profile });
}

/** Passes the result of a promise to callbacks. It never rejects, because an unhandled rejection ends the process. */
async function callBack<Value>(
  work: Promise<Value>,
  succeed: (value: Value) => void,
  fail: (error: unknown) => void,
): Promise<void> {
  try {
    succeed(await work);
  } catch (error) {
    fail(error);
  }
}
