import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, type JWK } from 'jose';
import type { DataSource, EntityManager } from 'typeorm';
import { ALGORITHM } from '../../access/access-token.js';
import { underLock } from '../../database/lock.js';
import { OperatorError } from '../../config/operator-error.js';
import type { DerivedKeys } from '../../crypto/derived-keys.js';
import { SigningKey } from './signing-key.entity.js';

/** Purpose of the key that seals private keys. */
const AT_REST = 'signing-keys';
/** Key of the advisory lock under which one process at a time changes the keys. */
const LOCK = 0x6b657973;
/** Time for which a key is published before it signs: longer than the five minutes for which clients cache the JWKS. */
const OVERLAP_MS = 600_000;
/** Longest lifetime of a signed token. A key is kept for this long after its last signature. */
export const MAX_TOKEN_LIFETIME_S = 24 * 3_600;

/**
 * Signing keys in `auth.signing_keys`. A key signs from its `useFrom` until that of its successor. It is published before, and
 * kept until its last signature has expired.
 */
export class KeyRing {
  constructor(
    private readonly dataSource: DataSource,
    private readonly secrets: DerivedKeys,
  ) {}

  /** Returns all keys in the order in which they sign. */
  list(db: EntityManager = this.dataSource.manager): Promise<SigningKey[]> {
    return db.find(SigningKey, { order: { useFrom: 'ASC', kid: 'ASC' } });
  }

  /** Creates the next key and deletes spent ones where that is due. A key signs for `periodS` seconds. */
  async keepUp(periodS: number): Promise<void> {
    if (!isDue(await this.list(), periodS)) return;
    await underLock(this.dataSource, LOCK, async (db) => {
      const keys = await this.list(db);
      for (const key of keys.filter((each) => isSpent(each, keys))) await this.remove(db, key.kid);
      const newest = keys.at(-1);
      if (newest === undefined) await this.create(db, new Date());
      else if (isOld(newest, periodS)) await this.create(db, inTime());
    });
  }

  /** Creates the next key now and returns its `kid`. */
  rotate(): Promise<string> {
    return underLock(this.dataSource, LOCK, (db) => this.create(db, inTime()));
  }

  /** Deletes a key, which revokes all that it signed. Creates a key where none is left to sign. Returns false for an unknown key. */
  async kill(kid: string): Promise<boolean> {
    return underLock(this.dataSource, LOCK, async (db) => {
      if (!(await this.remove(db, kid))) return false;
      const signs = (await this.list(db)).some(({ useFrom }) => useFrom <= new Date());
      if (!signs) await this.create(db, new Date());
      return true;
    });
  }

  /**
   * Opens the private key. A key that was sealed under an old secret is sealed again under the newest.
   * @throws {OperatorError} when no secret opens it.
   */
  async privateHalf({ kid, privateJwe }: SigningKey): Promise<KeyObject> {
    const privateJwk = await this.secrets.open(AT_REST, privateJwe);
    if (privateJwk === undefined) {
      throw new OperatorError(
        'AUTH_SECRET does not open the signing keys in the database. Was it changed? Name both (AUTH_SECRET=old,new in ' +
          'every process first, then new,old), or give back the old one.',
      );
    }
    if (!this.secrets.isNewest(AT_REST, privateJwe)) {
      const sealed = await this.secrets.seal(AT_REST, privateJwk);
      await this.dataSource.getRepository(SigningKey).update({ kid, privateJwe }, { privateJwe: sealed });
    }
    return createPrivateKey({ key: JSON.parse(privateJwk) as JWK, format: 'jwk' });
  }

  private async create(db: EntityManager, useFrom: Date): Promise<string> {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwk = await exportJWK(publicKey);
    const kid = await calculateJwkThumbprint(jwk);
    const privateJwe = await this.secrets.seal(AT_REST, JSON.stringify(await exportJWK(privateKey)));
    const publicJwk = { ...jwk, kid, alg: ALGORITHM, use: 'sig' };
    await db.insert(SigningKey, { kid, publicJwk, privateJwe, useFrom });
    return kid;
  }

  private async remove(db: EntityManager, kid: string): Promise<boolean> {
    return (await db.delete(SigningKey, { kid })).affected === 1;
  }
}

/**
 * Returns the key that signs now, of a list in the order in which they sign. The first key signs before its `useFrom`, too,
 * because the clock of the process that created it may be ahead.
 */
export function signingOf<T extends Pick<SigningKey, 'useFrom'>>(keys: readonly T[]): T | undefined {
  const now = new Date();
  return keys.findLast(({ useFrom }) => useFrom <= now) ?? keys[0];
}

function isDue(keys: readonly SigningKey[], periodS: number): boolean {
  const newest = keys.at(-1);
  return newest === undefined || isOld(newest, periodS) || keys.some((key) => isSpent(key, keys));
}

function isOld({ useFrom }: SigningKey, periodS: number): boolean {
  return useFrom.getTime() + periodS * 1000 <= Date.now();
}

/** Returns true if all tokens that a key signed have expired. */
function isSpent(key: SigningKey, keys: readonly SigningKey[]): boolean {
  const next = keys[keys.indexOf(key) + 1];
  return next !== undefined && next.useFrom.getTime() + MAX_TOKEN_LIFETIME_S * 1000 < Date.now();
}

function inTime(): Date {
  return new Date(Date.now() + OVERLAP_MS);
}
