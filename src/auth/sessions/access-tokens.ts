import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import {
  ACCESS_TOKEN_AUDIENCE,
  ACCESS_TOKEN_TYPE,
  ALGORITHM,
  CLOCK_SKEW_S,
  type AccessTokenClaims,
} from '../../access/access-token.js';
import type { Actor } from '../../access/actor.js';
import { Denylist } from '../../access/denylist.js';
import { Config } from '../../config/config.js';
import { SigningKeys } from '../keys/signing-keys.js';

/** Header lines are limited to 8 KB in many places, and a cookie or two travel along. */
const MAX_TOKEN_BYTES = 1_024;

/** The share of its lifetime by which a token may live shorter. */
const JITTER = 0.05;

/** Issues access tokens: ES256 JWTs as RFC 9068 describes, with `sid` and `roles` and nothing personal. */
@Injectable()
export class AccessTokens {
  private signer: { readonly kid: string; readonly jwt: JwtService } | undefined;

  constructor(
    private readonly config: Config,
    private readonly keys: SigningKeys,
    private readonly denylist: Denylist,
  ) {}

  /** `ACCESS_TOKEN_TTL` (s) or a few per cent less: those who came together do not all come back together. */
  lifetime(): number {
    return Math.max(1, Math.round(this.config.accessTokenTtl * (1 - JITTER * Math.random())));
  }

  /** A token for this actor, good for so many seconds. */
  issue(actor: Actor, lifetime = this.lifetime()): string {
    const now = Math.floor(Date.now() / 1000);
    // Seconds from now where the account has just changed; the token is valid at once.
    const issuedAt = this.denylist.issueAt(actor.accountId);
    const claims: AccessTokenClaims = {
      iss: this.config.publicUrl,
      sub: actor.accountId,
      aud: ACCESS_TOKEN_AUDIENCE,
      exp: now + lifetime,
      nbf: now - CLOCK_SKEW_S,
      iat: issuedAt - CLOCK_SKEW_S,
      jti: randomBytes(16).toString('base64url'),
      sid: actor.sessionId,
      roles: [...actor.roles],
    };
    const token = this.currentSigner().sign(claims);
    if (token.length > MAX_TOKEN_BYTES)
      throw new Error(`the access token has ${token.length} bytes: too many roles`);
    return token;
  }

  private currentSigner(): JwtService {
    const { kid, privateKey } = this.keys.current();
    if (this.signer?.kid !== kid) {
      const header = { alg: ALGORITHM, typ: ACCESS_TOKEN_TYPE } as const;
      this.signer = {
        kid,
        jwt: new JwtService({ privateKey, signOptions: { algorithm: ALGORITHM, keyid: kid, header } }),
      };
    }
    return this.signer.jwt;
  }
}
