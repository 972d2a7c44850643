import { JwtService } from '@nestjs/jwt';
import { decodeProtectedHeader } from 'jose';
import { LRUCache } from 'lru-cache';
import type { z } from 'zod';
import { ALGORITHM, NOT_BEFORE_LEEWAY_S } from './access-token.js';
import type { KeySet } from './key-set.js';

/** Twice the length of the longest token that this server signs. */
const MAX_TOKEN_LENGTH = 2_048;
/** Keys for which a verifier is kept. */
const MAX_KEYS = 16;

/** Kind of JWT: each has a `typ` and an `aud` of its own, so that no kind passes for another (RFC 8725 §3.11). */
interface JwtKind<Claims extends { readonly nbf?: number | undefined }> {
  readonly type: string;
  readonly issuer: string;
  readonly audience: string;
  readonly claims: z.ZodType<Claims>;
}

/** A JWT that passed every check, and the id of the key that signed it. */
interface VerifiedJwt<Claims> {
  readonly keyId: string;
  readonly claims: Claims;
}

/** Refusal of a JWT. The message is for the log, and quotes nothing of the token. */
export class JwtRefusal extends Error {
  constructor(
    reason: string,
    readonly isExpired = false,
  ) {
    super(reason);
    this.name = 'JwtRefusal';
  }
}

/** Verifier of one kind of JWT, for access tokens and for the tokens in mails (RFC 8725). */
export class JwtVerifier<Claims extends { readonly nbf?: number | undefined }> {
  private readonly services = new LRUCache<string, JwtService>({ max: MAX_KEYS });

  constructor(
    private readonly keys: KeySet,
    private readonly kind: JwtKind<Claims>,
  ) {}

  /**
   * Checks header, key, signature and claims, in this order.
   * @throws {JwtRefusal} for the first check that fails.
   * @throws {Problem} `temporarily_unavailable` when the keys cannot be read.
   */
  async verify(token: string): Promise<VerifiedJwt<Claims>> {
    if (token.length > MAX_TOKEN_LENGTH) throw new JwtRefusal('too long');
    const keyId = this.keyIdIn(token);
    const service = await this.serviceFor(keyId);
    let payload: unknown;
    try {
      payload = service.verify<Record<string, unknown>>(token);
    } catch (error) {
      throw refusalOf(error);
    }
    const claims = this.kind.claims.safeParse(payload);
    if (!claims.success) {
      const members = claims.error.issues.map(({ path }) => path.join('.'));
      throw new JwtRefusal(`claims: ${members.join(', ')}`);
    }
    const { nbf } = claims.data;
    if (nbf !== undefined && nbf > Date.now() / 1000 + NOT_BEFORE_LEEWAY_S)
      throw new JwtRefusal('not active yet');
    return { keyId, claims: claims.data };
  }

  /** The header selects one of our keys by its id. `jwk`, `jku` and the algorithm of the header are not used. */
  private keyIdIn(token: string): string {
    const header = readHeader(token);
    if (header?.alg !== ALGORITHM) throw new JwtRefusal('algorithm');
    if (header.typ !== this.kind.type) throw new JwtRefusal('type');
    if (header.crit !== undefined) throw new JwtRefusal('critical extensions');
    if (typeof header.kid !== 'string') throw new JwtRefusal('key id');
    return header.kid;
  }

  private async serviceFor(keyId: string): Promise<JwtService> {
    const existing = this.services.get(keyId);
    if (existing !== undefined && this.keys.knows(keyId)) return existing;
    const publicKey = await this.keys.find(keyId);
    if (publicKey === undefined) throw new JwtRefusal('unknown key');
    const { issuer, audience } = this.kind;
    const service = new JwtService({
      publicKey,
      // The leeway of the library for `nbf` would apply to `exp` as well.
      verifyOptions: { algorithms: [ALGORITHM], issuer, audience, ignoreNotBefore: true },
    });
    this.services.set(keyId, service);
    return service;
  }
}

function readHeader(token: string): Record<string, unknown> | undefined {
  try {
    return decodeProtectedHeader(token);
  } catch {
    return undefined;
  }
}

/** Maps errors of jsonwebtoken. Its own messages name a check; those of its JSON parser may quote the token. */
function refusalOf(error: unknown): JwtRefusal {
  const { name, message } = error instanceof Error ? error : new Error();
  if (name === 'TokenExpiredError') return new JwtRefusal('expired', true);
  return new JwtRefusal(name === 'JsonWebTokenError' ? message : 'not a JWT');
}
