/** Why a log-in through a provider failed, as the page is told in `?login_error=`. Stable like problem codes. */
export const LOGIN_ERRORS = [
  /** The person said no at the provider, or the provider would have had to ask them. */
  'access_denied',
  /** There is no attempt to continue: missing, forged, used, expired, another browser's or provider's. */
  'login_attempt_invalid',
  /** The provider is away, slow, or does not speak its own language. Trying again later may help. */
  'provider_unavailable',
  /** The provider refused this attempt. Trying again from the start may help. */
  'provider_rejected',
  /** The provider refuses us, whoever logs in. Only the operator can help. */
  'provider_misconfigured',
  /** The provider refuses browsers that are embedded in apps, such as this one. Another browser helps. */
  'browser_not_supported',
  /** There is an account with this address. Its owner may log in the way they did before, and link this one. */
  'account_link_required',
  /** Linking did not work: the identity is another account's, or the account has one of this provider. */
  'identity_taken',
  'account_disabled',
  /** Our own stores are away. */
  'temporarily_unavailable',
  /** Our own fault. */
  'unexpected',
] as const;
export type LoginErrorCode = (typeof LOGIN_ERRORS)[number];

/**
 * Ends a log-in attempt. The code goes to the page, reason and cause to the log; neither may hold what a provider wrote,
 * beyond a code that {@link printableCode} lets through: Kakao's error texts repeat the authorization code.
 */
export class LoginError extends Error {
  readonly reason: string;
  /** The browser brought it, so that anyone may have made it up. */
  readonly fromQuery: boolean;

  constructor(
    readonly code: LoginErrorCode,
    {
      reason,
      cause,
      hearsay = false,
    }: { readonly reason: string; readonly cause?: unknown; readonly hearsay?: boolean },
  ) {
    super(`${code}: ${reason}`, { cause });
    this.name = 'LoginError';
    this.reason = reason;
    this.fromQuery = hearsay;
  }
}

/** The error codes of RFC 6749 §4.1.2.1 and §5.2, of OpenID Connect Core §3.1.2.6, and those that Google adds. */
const MEANINGS: ReadonlyMap<string, LoginErrorCode> = new Map([
  ['access_denied', 'access_denied'],
  ['consent_required', 'access_denied'],
  ['interaction_required', 'access_denied'],
  ['login_required', 'access_denied'],
  ['account_selection_required', 'access_denied'],
  ['server_error', 'provider_unavailable'],
  ['temporarily_unavailable', 'provider_unavailable'],
  ['invalid_client', 'provider_misconfigured'],
  ['unauthorized_client', 'provider_misconfigured'],
  ['redirect_uri_mismatch', 'provider_misconfigured'],
  ['invalid_request', 'provider_misconfigured'],
  ['invalid_scope', 'provider_misconfigured'],
  ['insufficient_scope', 'provider_misconfigured'],
  ['unsupported_response_type', 'provider_misconfigured'],
  ['unsupported_grant_type', 'provider_misconfigured'],
  ['admin_policy_enforced', 'provider_misconfigured'],
  ['org_internal', 'provider_misconfigured'],
]);

/** What a provider's error code means for a log-in; undefined for codes that nobody has documented. */
export function meaningOf(code: string): LoginErrorCode | undefined {
  return MEANINGS.get(code);
}

/** A provider's error code where it looks like one, so that it may be logged. */
export function printableCode(code: unknown): string {
  const text = typeof code === 'number' ? String(code) : code;
  return typeof text === 'string' && /^[A-Za-z0-9_.-]{1,40}$/.test(text) ? text : 'something unprintable';
}
