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

/** Upper limit of an access token. Many servers allow 8 KB for all headers. */
const MAX_TOKEN_BYTES = 1_024;

/** Random share by which the lifetime of a token is shortened. */
const JITTER = 0.05;

/** Issuer of access tokens: ES256 JWTs (RFC 9068) with `sid` and `roles`, without personal data. */
@Injectable()
export class AccessTokens {
  private signer: { readonly kid: string; readonly jwt: JwtService } | undefined;

  constructor(
    private readonly config: Config,
    private readonly keys: SigningKeys,
    private readonly denylist: Denylist,
  ) {}

  /** Returns a lifetime in seconds: `ACCESS_TOKEN_TTL` with jitter, which spreads the refreshes of clients that logged in together. */
  lifetime(): number {
    return Math.max(1, Math.round(this.config.accessTokenTtlS * (1 - JITTER * Math.random())));
  }

  /** Issues a token; `lifetime` is in seconds. */
  issue(actor: Actor, lifetime = this.lifetime()): string {
    const now = Math.floor(Date.now() / 1000);
    // Lies in the future after a change of the account. The token is valid at once, because `nbf` does not depend on it.
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
