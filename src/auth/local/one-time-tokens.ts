import { createHash, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { DataSource, type EntityManager } from 'typeorm';
import { z } from 'zod';
import { ALGORITHM } from '../../access/access-token.js';
import { JwtRefusal, JwtVerifier } from '../../access/jwt-verifier.js';
import { Config } from '../../config/config.js';
import type { Batches } from '../../database/batches.js';
import { rowsOf } from '../../database/rows.js';
import { refuseLateCommit } from '../../http/request-budget.js';
import { Problem } from '../../problems/problem.js';
import { Accounts } from '../accounts/accounts.js';
import { MAX_TOKEN_LIFETIME_S } from '../keys/key-ring.js';
import { SigningKeys } from '../keys/signing-keys.js';
import type { OneTimeToken } from './one-time-token.entity.js';

/** Purpose of a token. Each kind has its own `typ` and `aud`, so that no token passes for one of another kind. */
type OneTimeTokenKind = OneTimeToken['kind'];
const typeOf = (kind: OneTimeTokenKind) => `${kind}+jwt`;
const audienceOf = (kind: OneTimeTokenKind) => `daemun:${kind}`;

/** Lifetimes, which the mails state as well. */
const LIFETIME_S: Record<OneTimeTokenKind, number> = {
  'verify-email': MAX_TOKEN_LIFETIME_S,
  'reset-password': 3_600,
};

const tokenClaims = z.object({ sub: z.uuid(), jti: z.string().min(22), nbf: z.number().optional() });
type TokenClaims = z.output<typeof tokenClaims>;

/** Account and registration of a token. */
export type OneTimeGrant = Pick<OneTimeToken, 'accountId' | 'passwordHash' | 'nickname'>;

/**
 * One-time tokens of mailed links: JWTs that the signing keys sign, with a hash of their `jti` in `auth.one_time_tokens`. The
 * signature refuses forged tokens without a query, and the row refuses a replay: a token works once.
 */
@Injectable()
export class OneTimeTokens {
  private readonly verifiers: Readonly<Record<OneTimeTokenKind, JwtVerifier<TokenClaims>>>;

  constructor(
    private readonly config: Config,
    private readonly keys: SigningKeys,
    private readonly dataSource: DataSource,
    private readonly accounts: Accounts,
  ) {
    this.verifiers = {
      'verify-email': this.verifierOf('verify-email'),
      'reset-password': this.verifierOf('reset-password'),
    };
  }

  /** Issues a token, and deletes expired tokens of the account. */
  async issue(kind: OneTimeTokenKind, { accountId, passwordHash, nickname }: OneTimeGrant): Promise<string> {
    const jti = randomBytes(24).toString('base64url');
    await this.dataSource.query(
      'DELETE FROM auth.one_time_tokens WHERE account_id = $1 AND expires_at < now()',
      [accountId],
    );
    await this.dataSource.query(
      `INSERT INTO auth.one_time_tokens (jti_hash, kind, account_id, password_hash, nickname, expires_at)
       VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))`,
      [hashOf(jti), kind, accountId, passwordHash, nickname, LIFETIME_S[kind]],
    );
    const { kid, privateKey } = this.keys.current();
    const iat = Math.floor(Date.now() / 1000);
    return new JwtService({ privateKey }).sign(
      {
        iss: this.config.publicUrl,
        sub: accountId,
        aud: audienceOf(kind),
        iat,
        exp: iat + LIFETIME_S[kind],
        jti,
      },
      { algorithm: ALGORITHM, keyid: kid, header: { alg: ALGORITHM, typ: typeOf(kind) } },
    );
  }

  /**
   * Marks a token as used and runs `work`, in one transaction.
   * @throws {Problem} `token_invalid` for a token that is forged, used, expired or of another kind, `temporarily_unavailable`.
   */
  async redeem<T>(
    kind: OneTimeTokenKind,
    token: string,
    work: (grant: OneTimeGrant, db: EntityManager) => Promise<T>,
  ): Promise<T> {
    const { sub, jti } = await this.check(kind, token);
    return this.dataSource.transaction(async (db) => {
      // All transactions lock the account before its tokens. Of concurrent ones, the second finds the token used.
      const account = await this.accounts.lock(db, sub);
      // A mail may be read after the account was deleted.
      if (account === null || account.status === 'deleted') throw invalid('the account was deleted');
      const [grant] = await rowsOf<OneTimeGrant>(
        db,
        `UPDATE auth.one_time_tokens SET used_at = now()
         WHERE jti_hash = $1 AND kind = $2 AND account_id = $3 AND used_at IS NULL AND expires_at > now()
         RETURNING account_id AS "accountId", password_hash AS "passwordHash", nickname`,
        [hashOf(jti), kind, sub],
      );
      if (grant === undefined) throw invalid('used, expired or withdrawn');
      const done = await work(grant, db);
      refuseLateCommit();
      return done;
    });
  }

  /** Deletes the tokens of an account in the caller's transaction. */
  async withdraw(db: EntityManager, accountId: string): Promise<void> {
    await db.query('DELETE FROM auth.one_time_tokens WHERE account_id = $1', [accountId]);
  }

  /** Deletes expired tokens. */
  prune(batches: Batches): Promise<void> {
    return batches.remove('auth.one_time_tokens', 'expires_at < now()');
  }

  /**
   * Verifies signature and claims. It does not read the database, so a used token passes.
   * @throws {Problem} `token_invalid`, `temporarily_unavailable`.
   */
  async check(kind: OneTimeTokenKind, token: string): Promise<TokenClaims> {
    const { claims } = await this.verifiers[kind].verify(token).catch((error: unknown) => {
      throw error instanceof JwtRefusal ? invalid(error.message) : error;
    });
    return claims;
  }

  private verifierOf(kind: OneTimeTokenKind): JwtVerifier<TokenClaims> {
    return new JwtVerifier(this.keys, {
      type: typeOf(kind),
      issuer: this.config.publicUrl,
      audience: audienceOf(kind),
      claims: tokenClaims,
    });
  }
}

function hashOf(jti: string): Buffer {
  return createHash('sha256').update(jti).digest();
}

function invalid(reason: string): Problem {
  return new Problem('token_invalid', { reason });
}
