import type { Call, Reply } from './http.js';
import type { Grants } from './grants.js';
import type { IdTokenSigner } from './id-tokens.js';
import type { ProviderName } from './accounts.js';

/** Shared state of the simulated providers: one registered client, clock, store of grants and signing key. */
export interface SandboxContext {
  clientId: string;
  /** Empty if Kakao's client secret feature is off. */
  clientSecret: string;
  kakaoAdminKey: string;
  /** Milliseconds since 1970. */
  clock: () => number;
  grants: Grants;
  signer: IdTokenSigner;
}

/** Purpose of an endpoint, in the request journal and for faults. */
export type EndpointName =
  | 'authorize'
  | 'token'
  | 'profile'
  | 'revoke'
  | 'unlink'
  | 'logout'
  | 'scopes'
  | 'verify'
  | 'discovery'
  | 'jwks';

/** Endpoint of a real provider, served at `/<real host>/<real path>`. */
export interface Endpoint {
  provider: ProviderName;
  name: EndpointName;
  path: string;
  methods: readonly ('GET' | 'POST')[];
  handle: (call: Call) => Reply | Promise<Reply>;
}
