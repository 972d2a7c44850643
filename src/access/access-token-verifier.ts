import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Config } from '../config/config.js';
import { Problem } from '../problems/problem.js';
import {
  ACCESS_TOKEN_AUDIENCE,
  ACCESS_TOKEN_TYPE,
  accessTokenClaims,
  CLOCK_SKEW_S,
  type AccessTokenClaims,
  type VerifiedToken,
} from './access-token.js';
import { JwtRefusal, JwtVerifier } from './jwt-verifier.js';
import { KeySet } from './key-set.js';

/** Verified tokens in memory: about 1 KB each with the token itself, 10 MB at most. */
const CACHED_TOKENS = 10_000;

/** Verifier of access tokens, with a cache of those that passed. */
@Injectable()
export class AccessTokenVerifier {
  private readonly verified = new LRUCache<string, VerifiedToken>({ max: CACHED_TOKENS });
  private readonly jwts: JwtVerifier<AccessTokenClaims>;

  constructor(
    { publicUrl }: Config,
    private readonly keys: KeySet,
  ) {
    this.jwts = new JwtVerifier(keys, {
      type: ACCESS_TOKEN_TYPE,
      issuer: publicUrl,
      audience: ACCESS_TOKEN_AUDIENCE,
      claims: accessTokenClaims,
    });
  }

  /**
   * Returns the cached result for a token: a map look-up instead of a signature check.
   * @throws {Problem} `access_token_expired`, `access_token_invalid`.
   */
  findVerified(token: string): VerifiedToken | undefined {
    const cached = this.verified.get(token);
    if (cached !== undefined && cached.expiresAt <= Date.now()) {
      this.verified.delete(token);
      throw accessTokenExpired();
    }
    // The tokens of a removed key are refused.
    if (cached !== undefined && !this.keys.knows(cached.keyId)) {
      this.verified.delete(token);
      throw invalid('its key is gone');
    }
    return cached;
  }

  /**
   * Verifies a token by its signature, and keeps the result until the token expires.
   * @throws {Problem} `access_token_expired`, `access_token_invalid`, or `temporarily_unavailable` without keys.
   */
  async verify(token: string): Promise<VerifiedToken> {
    const { keyId, claims } = await this.jwts.verify(token).catch((error: unknown) => {
      if (!(error instanceof JwtRefusal)) throw error;
      throw error.isExpired ? accessTokenExpired() : invalid(error.message);
    });
    const { sub, sid, roles, exp, iat } = claims;
    const verified = Object.freeze({
      actor: Object.freeze({ accountId: sub, sessionId: sid, roles: Object.freeze(roles) }),
      keyId,
      issuedAt: iat + CLOCK_SKEW_S,
      expiresAt: exp * 1000,
    });
    this.verified.set(token, verified);
    return verified;
  }
}

/** `WWW-Authenticate` of RFC 6750 §3.1. It does not name the check that failed; the log does. */
function challenge(description: string): Record<string, string> {
  return {
    'WWW-Authenticate': `Bearer realm="daemun", error="invalid_token", error_description="${description}"`,
  };
}

/** 401 upon which a client refreshes. */
export function accessTokenExpired(reason?: string): Problem {
  return new Problem('access_token_expired', { reason, headers: challenge('The access token expired') });
}

function invalid(reason: string): Problem {
  return new Problem('access_token_invalid', { reason, headers: challenge('The access token is not valid') });
}
