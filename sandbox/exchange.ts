import type { Call } from './http.js';
import type { DialectId, Grant } from './grants.js';
import { verifierFits } from './pkce.js';
import type { SandboxContext } from './context.js';

/** Reason for refusing a code. Each provider maps it to its own error. */
export type ExchangeRefusal =
  | 'code_unknown'
  | 'code_spent'
  | 'redirect_uri_differs'
  | 'state_differs'
  | 'verifier_missing'
  | 'verifier_wrong';

/** Parameters that a dialect requires in addition to the code. */
interface ExchangeRules {
  /** Naver's classic documentation does not list `redirect_uri` here; if sent it must match. */
  redirectUri: 'required' | 'if_sent';
  /** Naver requires the `state` of the authorize request. */
  state: boolean;
}

/** Exchanges a one-time code for its grant. A presented code is used up, even if another parameter is wrong. */
export function exchangeCode(
  context: SandboxContext,
  dialect: DialectId,
  parameters: URLSearchParams,
  rules: ExchangeRules,
): Grant | ExchangeRefusal {
  const redemption = context.grants.redeemCode(parameters.get('code') ?? '', dialect);
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

/** Result of client authentication at the token endpoint. */
type ClientVerdict = 'right' | 'unknown_client' | 'wrong_secret';

/** Checks `client_id` and `client_secret` as form members (`client_secret_post`). */
export function checkClient(context: SandboxContext, parameters: URLSearchParams): ClientVerdict {
  if (parameters.get('client_id') !== context.clientId) return 'unknown_client';
  // With the secret feature off, a secret must not be sent.
  return (parameters.get('client_secret') ?? '') === context.clientSecret ? 'right' : 'wrong_secret';
}

/** Returns client id and secret of an `Authorization: Basic` header (`client_secret_basic`) as form members. */
export function basicCredentials(call: Call): URLSearchParams | undefined {
  const encoded = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(call.headers.authorization ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const [id = '', secret = ''] = Buffer.from(encoded, 'base64').toString('utf8').split(':');
  // Both are form-encoded (RFC 6749 §2.3.1), so they are decoded as a form.
  return new URLSearchParams(`client_id=${id}&client_secret=${secret}`);
}
