import type { Call } from './http.js';
import type { DialectId, Grant } from './grants.js';
import { verifierFits } from './pkce.js';
import type { SandboxContext } from './context.js';

/** Why a code was not exchanged; each provider says it in its own words. */
export type ExchangeRefusal =
  | 'code_unknown'
  | 'code_spent'
  | 'redirect_uri_differs'
  | 'state_differs'
  | 'verifier_missing'
  | 'verifier_wrong';

/** What a dialect asks for on top of the code. */
export interface ExchangeRules {
  /** Naver's classic document does not list `redirect_uri` here; if it is sent it must fit all the same. */
  redirectUri: 'required' | 'if_sent';
  /** Naver wants the `state` of the authorize request again. */
  state: boolean;
}

/** Exchanges a one-use code for its grant. A code that was presented is used up, even when something else is wrong. */
export function exchangeCode(
  world: SandboxContext,
  dialect: DialectId,
  parameters: URLSearchParams,
  rules: ExchangeRules,
): Grant | ExchangeRefusal {
  const redemption = world.grants.redeemCode(parameters.get('code') ?? '', dialect);
  if (redemption.is !== 'fresh') return redemption.is === 'spent' ? 'code_spent' : 'code_unknown';
  const { grant } = redemption;
  const redirectUri = parameters.get('redirect_uri');
  if (redirectUri !== grant.redirectUri && (redirectUri !== null || rules.redirectUri === 'required')) {
    return 'redirect_uri_differs';
  }
  if (rules.state && parameters.get('state') !== grant.state) return 'state_differs';
  return checkVerifier(grant, parameters.get('code_verifier')) ?? grant;
}

function checkVerifier(grant: Grant, verifier: string | null): ExchangeRefusal | undefined {
  if (grant.challenge === undefined) return undefined;
  if (verifier === null) return 'verifier_missing';
  return verifierFits(grant.challenge, verifier) ? undefined : 'verifier_wrong';
}

/** What the token endpoint thinks of the client that called it. */
export type ClientVerdict = 'right' | 'unknown_client' | 'wrong_secret';

/** Checks `client_id` and `client_secret` as form members (`client_secret_post`). */
export function checkClient(world: SandboxContext, parameters: URLSearchParams): ClientVerdict {
  if (parameters.get('client_id') !== world.clientId) return 'unknown_client';
  // With the secret feature off, a secret that is sent is as wrong as one that is missing otherwise.
  return (parameters.get('client_secret') ?? '') === world.clientSecret ? 'right' : 'wrong_secret';
}

/** Client id and secret of an `Authorization: Basic` header (`client_secret_basic`), as form members. */
export function basicCredentials(call: Call): URLSearchParams | undefined {
  const encoded = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(call.headers.authorization ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const [id = '', secret = ''] = Buffer.from(encoded, 'base64').toString('utf8').split(':');
  // RFC 6749 section 2.3.1: both are form-encoded first, and reading them as a form undoes it.
  return new URLSearchParams(`client_id=${id}&client_secret=${secret}`);
}
