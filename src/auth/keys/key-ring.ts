import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, type JWK } from 'jose';
import type { DataSource, EntityManager } from 'typeorm';
import { ALGORITHM } from '../../access/access-token.js';
import { underLock } from '../../database/lock.js';
import { OperatorError } from '../../config/operator-error.js';
import type { DerivedKeys } from '../../crypto/derived-keys.js';
import { SigningKey } from './signing-key.entity.js';

/** The purpose under which private keys are sealed. */
const AT_REST = 'signing-keys';
/** Any number; processes that find at one time that a key is due must not each make one. */
const LOCK = 0x6b657973;
/** How long (ms) a key is known before it signs: longer than the five minutes that others may keep our JWKS. */
const OVERLAP = 600_000;
/** The longest (s) that anything we sign is good for; as long a key is kept after its last signature. */
export const LONGEST_SIGNED = 24 * 3_600;

/**
 * The signing keys as they are stored: one signs, from its `useFrom` until the next one's; the one before stays until
 * nothing that it signed is good any more; and the next one is there, and published, before its time comes.
 */
export class KeyRing {
  constructor(
    private readonly dataSource: DataSource,
    private readonly secrets: DerivedKeys,
  ) {}

  /** All of them, in the order in which they sign. */
  list(db: EntityManager = this.dataSource.manager): Promise<SigningKey[]> {
    return db.find(SigningKey, { order: { useFrom: 'ASC', kid: 'ASC' } });
  }

  /** Makes and removes what is due, where a key signs for so long (s). */
  async keepUp(period: number): Promise<void> {
    if (!isDue(await this.list(), period)) return;
    await underLock(this.dataSource, LOCK, async (db) => {
      const keys = await this.list(db);
      for (const key of keys.filter((each) => isSpent(each, keys))) await this.remove(db, key.kid);
      const newest = keys.at(-1);
      if (newest === undefined) await this.create(db, new Date());
      else if (isOld(newest, period)) await this.create(db, inTime());
    });
  }

  /** Makes the next key now; its id. */
  rotate(): Promise<string> {
    return underLock(this.dataSource, LOCK, (db) => this.create(db, inTime()));
  }

  /** Removes a key at once, with all that it signed; one that is left signs from now on. False when there is no such key. */
  async kill(kid: string): Promise<boolean> {
    return underLock(this.dataSource, LOCK, async (db) => {
      if (!(await this.remove(db, kid))) return false;
      const signs = (await this.list(db)).some(({ useFrom }) => useFrom <= new Date());
      if (!signs) await this.create(db, new Date());
      return true;
    });
  }

  /**
   * The private half. One that was sealed under an old secret is sealed again under the newest.
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
 * The key of a list, in the order in which they sign, that signs now. The first one signs before its time, too: it may come
 * from a process whose clock is ahead.
 */
export function signingOf<T extends Pick<SigningKey, 'useFrom'>>(keys: readonly T[]): T | undefined {
  const now = new Date();
  return keys.findLast(({ useFrom }) => useFrom <= now) ?? keys[0];
}

function isDue(keys: readonly SigningKey[], period: number): boolean {
  const newest = keys.at(-1);
  return newest === undefined || isOld(newest, period) || keys.some((key) => isSpent(key, keys));
}

function isOld({ useFrom }: SigningKey, period: number): boolean {
  return useFrom.getTime() + period * 1000 <= Date.now();
}

/** Whether the next one has been signing for longer than anything that this one signed is good. */
function isSpent(key: SigningKey, keys: readonly SigningKey[]): boolean {
  const next = keys[keys.indexOf(key) + 1];
  return next !== undefined && next.useFrom.getTime() + LONGEST_SIGNED * 1000 < Date.now();
}

function inTime(): Date {
  return new Date(Date.now() + OVERLAP);
}
