import type { Call } from './http.js';
import type { Endpoint, EndpointName } from './context.js';
import type { ProviderName } from './accounts.js';

const MAX_ENTRIES = 2000;

/** Parameters whose values are not secret. Of other parameters only the name is stored. */
const PUBLIC_PARAMETERS = new Set([
  'grant_type',
  'client_id',
  'redirect_uri',
  'response_type',
  'scope',
  'code_challenge_method',
  'access_type',
  'prompt',
  'auth_type',
  'token_type_hint',
  'target_id_type',
  'target_id',
  'secure_resource',
  'info',
]);

/** A request to a provider's endpoint, without its secrets. */
export interface SeenRequest {
  provider: ProviderName;
  endpoint: EndpointName;
  method: string;
  path: string;
  queryNames: string[];
  formNames: string[];
  /** Values of parameters that are not secret, from query and form. */
  values: Record<string, string>;
  hasClientSecret: boolean;
  hasCodeVerifier: boolean;
  hasAuthorizationHeader: boolean;
  accessTokenInQuery: boolean;
}

/** Journal of the last requests to the simulated providers, oldest first. */
export class Journal {
  #seen: SeenRequest[] = [];

  /** Records a request. */
  record(endpoint: Endpoint, call: Call): void {
    const sent = [...call.query, ...call.form];
    this.#seen.push({
      provider: endpoint.provider,
      endpoint: endpoint.name,
      method: call.method,
      path: call.path,
      queryNames: [...call.query.keys()],
      formNames: [...call.form.keys()],
      values: Object.fromEntries(sent.filter(([name]) => PUBLIC_PARAMETERS.has(name))),
      hasClientSecret: sent.some(([name]) => name === 'client_secret') || isBasic(call),
      hasCodeVerifier: sent.some(([name]) => name === 'code_verifier'),
      hasAuthorizationHeader: call.headers.authorization !== undefined,
      accessTokenInQuery: call.query.has('access_token'),
    });
    if (this.#seen.length > MAX_ENTRIES) this.#seen.shift();
  }

  /** Returns a copy of the recorded requests. */
  list(): SeenRequest[] {
    return [...this.#seen];
  }

  /** Removes all recorded requests. */
  clear(): void {
    this.#seen = [];
  }
}

function isBasic(call: Call): boolean {
  return /^Basic /i.test(call.headers.authorization ?? '');
}
