import { createHash, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { DataSource, type EntityManager } from 'typeorm';
import { z } from 'zod';
import { ALGORITHM } from '../../access/access-token.js';
import { JwtRefusal, JwtVerifier } from '../../access/jwt-verifier.js';
import { Config } from '../../config/config.js';
import { refuseLateCommit } from '../../http/request-budget.js';
import { Problem } from '../../problems/problem.js';
import { LONGEST_SIGNED } from '../keys/key-ring.js';
import { SigningKeys } from '../keys/signing-keys.js';
import type { OneTimeToken } from './one-time-token.entity.js';

/** What a token is good for. Each kind has a type and an audience of its own, so that none passes for another. */
export type OneTimeTokenKind = OneTimeToken['kind'];
const typeOf = (kind: OneTimeTokenKind) => `${kind}+jwt`;
const audienceOf = (kind: OneTimeTokenKind) => `daemun:${kind}`;

/** Seconds; the mails say it, too. */
const LIFETIME: Record<OneTimeTokenKind, number> = {
  'verify-email': LONGEST_SIGNED,
  'reset-password': 3_600,
};

const tokenClaims = z.object({ sub: z.uuid(), jti: z.string().min(22), nbf: z.number().optional() });
type TokenClaims = z.output<typeof tokenClaims>;

/** What a token was issued for. */
export type OneTimeGrant = Pick<OneTimeToken, 'accountId' | 'passwordHash' | 'nickname'>;

/**
 * Links in mails: JWTs signed with our keys, of which the database knows a hash of the `jti`. The signature keeps
 * guesses away from the database, and the row makes the token work once.
 */
@Injectable()
export class OneTimeTokens {
  private readonly verifiers: Readonly<Record<OneTimeTokenKind, JwtVerifier<TokenClaims>>>;

  constructor(
    private readonly config: Config,
    private readonly keys: SigningKeys,
    private readonly dataSource: DataSource,
  ) {
    this.verifiers = {
      'verify-email': this.verifierOf('verify-email'),
      'reset-password': this.verifierOf('reset-password'),
    };
  }

  /** A token for this grant. The account's tokens that nobody used in time are removed on the way. */
  async issue(kind: OneTimeTokenKind, { accountId, passwordHash, nickname }: OneTimeGrant): Promise<string> {
    const jti = randomBytes(24).toString('base64url');
    await this.dataSource.query(
      'DELETE FROM auth.one_time_tokens WHERE account_id = $1 AND expires_at < now()',
      [accountId],
    );
    await this.dataSource.query(
      `INSERT INTO auth.one_time_tokens (jti_hash, kind, account_id, password_hash, nickname, expires_at)
       VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))`,
      [hashOf(jti), kind, accountId, passwordHash, nickname, LIFETIME[kind]],
    );
    const { kid, privateKey } = this.keys.current();
    const iat = Math.floor(Date.now() / 1000);
    return new JwtService({ privateKey }).sign(
      {
        iss: this.config.publicUrl,
        sub: accountId,
        aud: audienceOf(kind),
        iat,
        exp: iat + LIFETIME[kind],
        jti,
      },
      { algorithm: ALGORITHM, keyid: kid, header: { alg: ALGORITHM, typ: typeOf(kind) } },
    );
  }

  /**
   * Uses the token up and does the work that it was for, both or neither.
   * @throws {Problem} `token_invalid` when it is of another kind, used, expired, or was never ours, `temporarily_unavailable`.
   */
  async redeem<T>(
    kind: OneTimeTokenKind,
    token: string,
    work: (grant: OneTimeGrant, db: EntityManager) => Promise<T>,
  ): Promise<T> {
    const { sub, jti } = await this.check(kind, token);
    return this.dataSource.transaction(async (db) => {
      // The account before its tokens, as everywhere: of several at once, the first goes on, and the others find it used.
      const [account] = await db.query<object[]>(
        `SELECT FROM auth.accounts WHERE id = $1 AND status <> 'deleted' FOR UPDATE`,
        [sub],
      );
      // A mail may have been on its way when the account was deleted.
      if (account === undefined) throw invalid('of an account that is gone');
      const [[grant]] = await db.query<[OneTimeGrant[], number]>(
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
