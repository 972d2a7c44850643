/** Error codes of social logins, in the `login_error` parameter of the page. They are stable, like problem codes. */
export const LOGIN_ERRORS = [
  /** The user has refused at the provider, or the provider needed an interaction that was not allowed. */
  'access_denied',
  /** No valid transaction: missing, forged, used, expired, or of another browser or provider. */
  'login_attempt_invalid',
  /** The provider cannot be reached, is slow, or answers with invalid data. A later attempt may succeed. */
  'provider_unavailable',
  /** The provider has refused this login. Another login from the start may succeed. */
  'provider_rejected',
  /** The provider refuses this application. The operator must correct its settings. */
  'provider_misconfigured',
  /** The provider refuses browsers that are embedded in apps. The user needs another browser. */
  'browser_not_supported',
  /** Another account has the address. Its owner can log in as before, and link the identity. */
  'account_link_required',
  /** Not linked: the identity belongs to another account, or the account has an identity of this provider. */
  'identity_taken',
  'account_disabled',
  /** PostgreSQL or Redis is down. */
  'temporarily_unavailable',
  /** Error of this server. */
  'unexpected',
] as const;
export type LoginErrorCode = (typeof LOGIN_ERRORS)[number];

/**
 * Failure of a social login. The code goes to the page, reason and cause to the log. Neither may contain text of a provider
 * except {@link printableCode}, because the error texts of Kakao repeat the authorization code.
 */
export class LoginError extends Error {
  readonly reason: string;
  /** True for an error of the callback's query, which any client can forge. */
  readonly fromQuery: boolean;

  constructor(
    readonly code: LoginErrorCode,
    {
      reason,
      cause,
      fromQuery = false,
    }: { readonly reason: string; readonly cause?: unknown; readonly fromQuery?: boolean },
  ) {
    super(`${code}: ${reason}`, { cause });
    this.name = 'LoginError';
    this.reason = reason;
    this.fromQuery = fromQuery;
  }
}

/** Error codes of RFC 6749 §4.1.2.1 and §5.2, of OpenID Connect Core §3.1.2.6, and of Google. */
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

/** Maps the error code of a provider. Returns undefined for an undocumented code. */
export function meaningOf(code: string): LoginErrorCode | undefined {
  return MEANINGS.get(code);
}

/** Returns the error code of a provider if it is short and plain ASCII, so that it can be logged. */
export function printableCode(code: unknown): string {
  const text = typeof code === 'number' ? String(code) : code;
  return typeof text === 'string' && /^[A-Za-z0-9_.-]{1,40}$/.test(text) ? text : 'something unprintable';
}
