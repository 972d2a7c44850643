import type OAuth2Strategy from 'passport-oauth2';
import type { ProviderCredentials } from '../../config/providers.js';
import { runStrategy } from '../login/run-strategy.js';
import type { JsonObject } from './json.js';
import type { ProviderDefinition } from './provider-definition.js';
import { requestProfile, requestTokens } from './provider-http.js';

/** What passport-oauth2 keeps to itself and we replace; held to the version in package.json by the assertion in `provider.ts`. */
interface Insides {
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

/** All that a strategy is shown of a request: no body, no headers, and of the query only the code. */
interface Step {
  readonly query: { readonly code?: string };
  readonly state: string;
  verifier?: string;
}
interface StepOptions {
  readonly extra?: Readonly<Record<string, string>>;
}

/** Where a provider's endpoints are, and where it sends people back to. */
export interface Endpoints {
  readonly authorize: string;
  readonly token: string;
  readonly profile: string;
  readonly redirectUri: string;
}

/** What a provider answered: its token answer and its profile, as they came. */
export interface ProviderResponses {
  readonly tokens: JsonObject;
  readonly profile: JsonObject;
}

/**
 * One of the Passport packages, kept for what it does well (the authorize URL, PKCE, the order of the calls) inside a box:
 * our own HTTP client instead of its transport, our sealed attempt instead of its session, and every outcome as the
 * outcome of a promise. It is never registered with `passport`, whose one registry would mix two applications in a process.
 */
export class HardenedStrategy {
  private readonly strategy: Insides;

  constructor(definition: ProviderDefinition, credentials: ProviderCredentials, places: Endpoints) {
    const { clientId, clientSecret, scope } = credentials;
    const options: OAuth2Strategy.StrategyOptions = {
      clientID: clientId,
      // Two of the packages make up a secret of their own when there is none; the one that counts goes into `form` below.
      clientSecret: '',
      authorizationURL: places.authorize,
      tokenURL: places.token,
      callbackURL: places.redirectUri,
      scope: scope.length > 0 ? [...scope] : undefined,
      pkce: true,
      store: attemptStore as unknown as OAuth2Strategy.StateStore,
    };
    const strategy = new definition.Strategy(options, takeResponses) as unknown as Insides;
    const { _oauth2: oauth2 } = strategy;
    const authorizationParams = strategy.authorizationParams.bind(strategy);
    // passport-kakao does not take addresses as options.
    oauth2._authorizeUrl = places.authorize;
    oauth2._clientSecret = '';
    oauth2._request = (...parameters) => {
      (parameters.at(-1) as Done<[]>)(new Error('the transport of the package is not used'));
    };
    oauth2.getOAuthAccessToken = (code, params, done) => {
      const form: Record<string, string> = { ...params, client_id: clientId, code };
      // Kakao refuses a secret, even an empty one, where the feature is off.
      if (clientSecret !== undefined) form.client_secret = clientSecret.reveal();
      void tell(
        requestTokens(definition, places.token, form),
        (tokens) => done(undefined, tokens.access_token, undefined, tokens),
        done,
      );
    };
    strategy.userProfile = (accessToken, done) => {
      void tell(
        requestProfile(definition, places.profile, accessToken),
        (profile) => done(undefined, profile),
        done,
      );
    };
    // It would wrap our errors into ones that carry the provider's body.
    strategy._createOAuthError = (_message, error) => error;
    strategy.authorizationParams = (options) => ({
      ...authorizationParams(options),
      ...options.extra,
    });
    strategy.tokenParams = ({ extra }) => ({ ...extra });
    this.strategy = strategy;
  }

  /** The provider's address to send a browser to, and the PKCE verifier to keep until it comes back. */
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
   * Trades the code of a callback for what the provider says of the person.
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
 * Hands state and verifier between the strategy and the attempt, which has been checked by the time `verify` is called.
 * passport-oauth2 counts the declared parameters (5 means PKCE, 4 means with metadata): leave the unused ones in.
 */
const attemptStore = {
  store(step: Step, verifier: string, _state: unknown, _meta: unknown, done: Done<[string]>): void {
    step.verifier = verifier;
    done(undefined, step.state);
  },
  verify(step: Step, _state: unknown, _meta: unknown, done: Done<[string]>): void {
    done(undefined, step.verifier);
  },
};

/** Here, too, the number of parameters matters: only with five does the token answer come along. */
function takeResponses(
  _accessToken: string,
  _refreshToken: string,
  tokens: JsonObject,
  profile: JsonObject,
  done: (error: unknown, answers: ProviderResponses) => void,
): void {
  done(undefined, { tokens, profile });
}

/** Lets a promise speak to code that waits for a callback, and throws nothing: here that would end the process. */
async function tell<Value>(
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
