/**
 * Catalogue of problems. Codes are stable: they may be added, never renamed or reused. `docs/problems.md` describes the
 * client's reaction to each; a test compares the two.
 */
export const PROBLEMS = {
  validation_failed: { status: 400, title: 'The request does not fit its schema' },
  malformed_json: { status: 400, title: 'The body is not valid JSON' },
  bad_request: { status: 400, title: 'The request could not be understood' },
  return_to_not_allowed: { status: 400, title: 'The URL in returnTo is not allowed' },
  token_invalid: { status: 400, title: 'The link was used before, has expired, or is not valid' },
  access_token_missing: { status: 401, title: 'This request needs an access token' },
  access_token_expired: { status: 401, title: 'The access token has expired' },
  access_token_invalid: { status: 401, title: 'The access token is not valid' },
  session_ended: { status: 401, title: 'The session has ended' },
  refresh_token_invalid: { status: 401, title: 'There is no valid refresh cookie' },
  credentials_invalid: { status: 401, title: 'The address or the password is wrong' },
  forbidden: { status: 403, title: 'You are not allowed to do this' },
  reauthentication_required: { status: 403, title: 'Log in again, or send the password, to do this' },
  email_not_verified: { status: 403, title: 'The e-mail address has not been verified yet' },
  account_disabled: { status: 403, title: 'The account is disabled' },
  origin_not_allowed: { status: 403, title: 'This page may not use the refresh cookie' },
  not_found: { status: 404, title: 'There is nothing here' },
  provider_not_enabled: { status: 404, title: 'There is no such login provider' },
  user_not_found: { status: 404, title: 'There is no such user' },
  session_not_found: { status: 404, title: 'You have no such session' },
  board_not_found: { status: 404, title: 'There is no such board' },
  post_not_found: { status: 404, title: 'There is no such post' },
  comment_not_found: { status: 404, title: 'There is no such comment' },
  request_timeout: { status: 408, title: 'The request took too long to arrive' },
  last_login_method: { status: 409, title: 'This is the last login method of the account' },
  slug_taken: { status: 409, title: 'Another board has this slug' },
  board_not_empty: { status: 409, title: 'The board still has posts' },
  version_conflict: { status: 412, title: 'It was changed by someone else meanwhile' },
  body_too_large: { status: 413, title: 'The body is larger than 64 KiB' },
  unsupported_media_type: { status: 415, title: 'The body must be application/json' },
  idempotency_key_reused: { status: 422, title: 'This Idempotency-Key was used for another call' },
  too_many_attempts: { status: 429, title: 'Too many attempts; try again later' },
  headers_too_large: {
    status: 431,
    title: 'The request headers are too large: clear the cookies of this site',
  },
  unexpected: { status: 500, title: 'An unexpected error occurred on the server' },
  temporarily_unavailable: { status: 503, title: 'The service is temporarily unavailable; try again' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof PROBLEMS;
