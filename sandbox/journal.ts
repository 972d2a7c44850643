import type { Call } from './http.js';
import type { Endpoint, EndpointName } from './context.js';
import type { ProviderName } from './accounts.js';

const KEPT = 2000;

/** Parameters whose values are no secret. Of all others only the name is kept. */
const PLAIN = new Set([
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

/** One request that reached a provider's endpoint, without any secret it carried. */
export interface SeenRequest {
  provider: ProviderName;
  endpoint: EndpointName;
  method: string;
  path: string;
  queryNames: string[];
  formNames: string[];
  /** The parameters that are no secret, from query and form. */
  values: Record<string, string>;
  hasClientSecret: boolean;
  hasCodeVerifier: boolean;
  hasAuthorizationHeader: boolean;
  accessTokenInQuery: boolean;
}

/** The last requests that reached the played providers, oldest first. */
export class Journal {
  #seen: SeenRequest[] = [];

  /** Writes a request down. */
  record(endpoint: Endpoint, call: Call): void {
    const sent = [...call.query, ...call.form];
    this.#seen.push({
      provider: endpoint.provider,
      endpoint: endpoint.name,
      method: call.method,
      path: call.path,
      queryNames: [...call.query.keys()],
      formNames: [...call.form.keys()],
      values: Object.fromEntries(sent.filter(([name]) => PLAIN.has(name))),
      hasClientSecret: sent.some(([name]) => name === 'client_secret') || isBasic(call),
      hasCodeVerifier: sent.some(([name]) => name === 'code_verifier'),
      hasAuthorizationHeader: call.headers.authorization !== undefined,
      accessTokenInQuery: call.query.has('access_token'),
    });
    if (this.#seen.length > KEPT) this.#seen.shift();
  }

  /** What was written down so far, as a copy. */
  list(): SeenRequest[] {
    return [...this.#seen];
  }

  /** Forgets everything. */
  clear(): void {
    this.#seen = [];
  }
}

function isBasic(call: Call): boolean {
  return /^Basic /i.test(call.headers.authorization ?? '');
}
