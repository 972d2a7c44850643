import type { Call, Reply } from './http.js';
import type { Grants } from './grants.js';
import type { IdTokenSigner } from './id-tokens.js';
import type { ProviderName } from './accounts.js';

/** What all the played providers share: one registered client, one clock, one memory, one signing key. */
export interface SandboxContext {
  clientId: string;
  /** Empty means that Kakao's client secret feature is off. */
  clientSecret: string;
  kakaoAdminKey: string;
  /** Milliseconds since 1970. */
  clock: () => number;
  grants: Grants;
  signer: IdTokenSigner;
}

/** What an endpoint is for; the request journal and the faults use these names. */
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

/** One address of a real provider, mirrored as `/<real host>/<real path>`. */
export interface Endpoint {
  provider: ProviderName;
  name: EndpointName;
  path: string;
  methods: readonly ('GET' | 'POST')[];
  answer: (call: Call) => Reply | Promise<Reply>;
}
