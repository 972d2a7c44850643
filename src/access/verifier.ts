import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { decodeProtectedHeader } from 'jose';
import { LRUCache } from 'lru-cache';
import { Config } from '../config/config.js';
import { Problem } from '../problems/problem.js';
import {
  ACCESS_TOKEN_AUDIENCE,
  ACCESS_TOKEN_TYPE,
  accessTokenClaims,
  ALGORITHM,
  CLOCK_SKEW_S,
  NOT_BEFORE_LEEWAY_S,
  type VerifiedToken,
} from './access-token.js';
import { KeySet } from './key-set.js';

/** About 1 KB each with the token itself: 10 MB at most. */
const CACHED_TOKENS = 10_000;
/** Minted tokens are at most 1 KB; a longer one was not minted here. */
const MAX_TOKEN_LENGTH = 2_048;

/** Decides whether an access token is ours, as RFC 8725 asks, and remembers the verdict until the token expires. */
@Injectable()
export class AccessTokenVerifier {
  private readonly verified = new LRUCache<string, VerifiedToken>({ max: CACHED_TOKENS });
  private readonly byKey = new LRUCache<string, JwtService>({ max: 16 });

  constructor(
    private readonly config: Config,
    private readonly keys: KeySet,
  ) {}

  /**
   * The verdict on a token seen before: a map lookup instead of a signature check.
   * @throws {Problem} `access_token_expired`, `access_token_invalid`.
   */
  findVerified(token: string): VerifiedToken | undefined {
    const known = this.verified.get(token);
    if (known !== undefined && known.expiresAt <= Date.now()) {
      this.verified.delete(token);
      throw accessTokenExpired();
    }
    // A key that was killed takes along what it signed.
    if (known !== undefined && !this.keys.knows(known.keyId)) {
      this.verified.delete(token);
      throw invalid('its key is gone');
    }
    return known;
  }

  /**
   * Checks header, key, signature and every claim, in this order.
   * @throws {Problem} `access_token_expired`, `access_token_invalid`, or `temporarily_unavailable` without keys.
   */
  async verify(token: string): Promise<VerifiedToken> {
    const { keyId, jwt } = await this.verifierFor(token);
    let payload: unknown;
    try {
      payload = jwt.verify<Record<string, unknown>>(token);
    } catch (error) {
      if (error instanceof Error && error.name === 'TokenExpiredError') throw accessTokenExpired();
      // Its own messages name a check; those of a parser may quote the token.
      throw invalid(
        error instanceof Error && error.name === 'JsonWebTokenError' ? error.message : 'not a JWT',
      );
    }
    const claims = accessTokenClaims.safeParse(payload);
    if (!claims.success)
      throw invalid(`claims: ${claims.error.issues.map(({ path }) => path.join('.')).join(', ')}`);
    const { sub, sid, roles, exp, nbf, iat } = claims.data;
    if (nbf > Date.now() / 1000 + NOT_BEFORE_LEEWAY_S) throw invalid('not active yet');
    const verdict = Object.freeze({
      actor: Object.freeze({ accountId: sub, sessionId: sid, roles: Object.freeze(roles) }),
      keyId,
      issuedAt: iat + CLOCK_SKEW_S,
      expiresAt: exp * 1000,
    });
    this.verified.set(token, verdict);
    return verdict;
  }

  /** The header picks a key of ours by its id, and nothing else: no `jwk`, no `jku`, no algorithm of its own choosing. */
  private async verifierFor(token: string): Promise<{ keyId: string; jwt: JwtService }> {
    if (token.length > MAX_TOKEN_LENGTH) throw invalid('too long');
    const header = readHeader(token);
    if (header?.alg !== ALGORITHM) throw invalid('algorithm');
    if (header.typ !== ACCESS_TOKEN_TYPE) throw invalid('type');
    if (header.crit !== undefined) throw invalid('critical extensions');
    if (typeof header.kid !== 'string') throw invalid('key id');
    const keyId = header.kid;
    const known = this.byKey.get(keyId);
    if (known !== undefined && this.keys.knows(keyId)) return { keyId, jwt: known };
    const publicKey = await this.keys.find(keyId);
    if (publicKey === undefined) throw invalid('unknown key');
    const jwt = new JwtService({
      publicKey,
      verifyOptions: {
        algorithms: [ALGORITHM],
        issuer: this.config.publicUrl,
        audience: ACCESS_TOKEN_AUDIENCE,
        // The library's leeway would be that of `exp`, too.
        ignoreNotBefore: true,
      },
    });
    this.byKey.set(keyId, jwt);
    return { keyId, jwt };
  }
}

function readHeader(token: string): Record<string, unknown> | undefined {
  try {
    return decodeProtectedHeader(token);
  } catch {
    return undefined;
  }
}

/** RFC 6750 §3.1. Which check failed is for the log only. */
function challenge(description: string): Record<string, string> {
  return {
    'WWW-Authenticate': `Bearer realm="daemun", error="invalid_token", error_description="${description}"`,
  };
}

/** What a client answers by refreshing. */
export function accessTokenExpired(reason?: string): Problem {
  return new Problem('access_token_expired', { reason, headers: challenge('The access token expired') });
}

function invalid(reason: string): Problem {
  return new Problem('access_token_invalid', { reason, headers: challenge('The access token is not valid') });
}
