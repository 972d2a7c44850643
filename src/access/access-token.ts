import { z } from 'zod';
import type { Actor } from './actor.js';

/** RFC 9068 §2.1: what an access token's header says it is, so that no other JWT of ours is taken for one. */
export const ACCESS_TOKEN_TYPE = 'at+jwt';
/** The `aud` of access tokens. The same keys sign mail links and service tokens, each for an audience of its own. */
export const ACCESS_TOKEN_AUDIENCE = 'daemun:api';
/** The only algorithm, for signing and verifying (RFC 8725 §3.1). */
export const ALGORITHM = 'ES256';

/**
 * Seconds by which clocks may differ. `iat` and `nbf` are set back by them, since a service whose clock is behind would refuse a new
 * token. The time of issue, which revocations are compared with, is `iat` plus these.
 */
export const CLOCK_SKEW_S = 5;
/** Seconds by which `nbf` may be in the future (RFC 7519 §4.1.5): the clocks of our own processes differ, too. */
export const NOT_BEFORE_LEEWAY_S = 30;

/** RFC 7519 §2: seconds. The bound refuses milliseconds, which would make a token live for millennia. */
const numericDate = z.int().positive().max(100_000_000_000);

/** The claims of an access token (RFC 9068 §2.2, with `sid` and `roles`): every one is required, nothing personal is in it. */
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

/** What a verified token says about the caller, and until when it may be believed. */
export interface VerifiedToken {
  readonly actor: Actor;
  /** The key that signed it. */
  readonly keyId: string;
  /** The time of issue, in seconds since 1970. */
  readonly issuedAt: number;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}
