import { z } from 'zod';
import type { Actor } from './actor.js';

/** `typ` of access tokens (RFC 9068 §2.1). */
export const ACCESS_TOKEN_TYPE = 'at+jwt';
/** `aud` of access tokens. The same keys sign the tokens of mails, which have another audience. */
export const ACCESS_TOKEN_AUDIENCE = 'daemun:api';
/** Algorithm of all JWTs (RFC 8725 §3.1). */
export const ALGORITHM = 'ES256';

/**
 * Clock skew that is tolerated. `iat` and `nbf` are set back by it, so that a service with a slow clock accepts a new token. The time of
 * issue, which revocations are compared with, is `iat` plus the skew.
 */
export const CLOCK_SKEW_S = 5;
/** Leeway for `nbf` (RFC 7519 §4.1.5), for the clocks of several processes of this server. */
export const NOT_BEFORE_LEEWAY_S = 30;

/** NumericDate of RFC 7519 §2, in seconds. The upper bound refuses milliseconds. */
const numericDate = z.int().positive().max(100_000_000_000);

/** Claims of access tokens (RFC 9068 §2.2, with `sid` and `roles`). All are required; none is personal. */
export const accessTokenClaims = z.object({
  iss: z.string(),
  sub: z.uuid(),
  aud: z.literal(ACCESS_TOKEN_AUDIENCE),
  exp: numericDate,
  nbf: numericDate,
  iat: numericDate,
  jti: z.string().min(16),
  sid: z.uuid(),
  roles: z.array(z.string()),
});
export type AccessTokenClaims = z.output<typeof accessTokenClaims>;

/** Content of a verified access token. */
export interface VerifiedToken {
  readonly actor: Actor;
  /** Id of the key that signed it. */
  readonly keyId: string;
  /** Time of issue, in seconds since 1970. */
  readonly issuedAt: number;
  /** Expiry, in milliseconds since 1970. */
  readonly expiresAt: number;
}
