import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { calculateJwkThumbprint, exportJWK, type JWK } from 'jose';
import { DataSource } from 'typeorm';
import { ALGORITHM } from '../../access/access-token.js';
import { KeySet } from '../../access/key-set.js';
import { underLock } from '../../database/lock.js';
import { OperatorError } from '../../operator-error.js';
import { Secrets } from '../../secrets.js';
import { SigningKey } from './signing-key.entity.js';

/** The purpose under which private keys are sealed. */
const AT_REST = 'signing-keys';
/** Any number; processes that start at once must not each make a first key. */
const FIRST_KEY_LOCK = 0x6b657973;

/** The keys that sign access tokens: made on the first start, sealed in the database, public halves for everyone. */
@Injectable()
export class SigningKeys extends KeySet implements OnModuleInit {
  private readonly publicKeys = new Map<string, { jwk: JWK; key: KeyObject }>();
  private signing: { readonly kid: string; readonly privateKey: KeyObject } | undefined;

  constructor(
    private readonly dataSource: DataSource,
    private readonly secrets: Secrets,
  ) {
    super();
  }

  async onModuleInit(): Promise<void> {
    await underLock(this.dataSource, FIRST_KEY_LOCK, async () => {
      const stored = await this.dataSource
        .getRepository(SigningKey)
        .find({ order: { createdAt: 'ASC', kid: 'ASC' } });
      const keys = stored.length > 0 ? stored : [await this.create()];
      for (const key of keys) await this.load(key);
    });
  }

  async find(kid: string): Promise<KeyObject | undefined> {
    return this.publicKeys.get(kid)?.key;
  }

  /** The key that new tokens are signed with. */
  current(): { readonly kid: string; readonly privateKey: KeyObject } {
    if (this.signing === undefined) throw new Error('the signing keys have not been loaded');
    return this.signing;
  }

  /** RFC 7517: the public halves, as other services read them. */
  jwks(): { keys: JWK[] } {
    return { keys: [...this.publicKeys.values()].map(({ jwk }) => jwk) };
  }

  private async create(): Promise<SigningKey> {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwk = await exportJWK(publicKey);
    const kid = await calculateJwkThumbprint(jwk);
    const privateJwe = await this.secrets.seal(AT_REST, JSON.stringify(await exportJWK(privateKey)));
    const key = { kid, publicJwk: { ...jwk, kid, alg: ALGORITHM, use: 'sig' }, privateJwe };
    return this.dataSource.getRepository(SigningKey).save(key);
  }

  /** Makes KeyObjects once: jsonwebtoken is 3 to 30 times slower when it has to parse PEM at every call. */
  private async load({ kid, publicJwk, privateJwe }: SigningKey): Promise<void> {
    const privateJwk = await this.secrets.open(AT_REST, privateJwe);
    if (privateJwk === undefined) {
      throw new OperatorError(
        'AUTH_SECRET does not open the signing keys in the database. Was it changed? Put the new one first and keep ' +
          'the old one behind a comma (AUTH_SECRET=new,old), or give back the old one.',
      );
    }
    this.publicKeys.set(kid, { jwk: publicJwk, key: createPublicKey({ key: publicJwk, format: 'jwk' }) });
    this.signing = {
      kid,
      privateKey: createPrivateKey({ key: JSON.parse(privateJwk) as JWK, format: 'jwk' }),
    };
  }
}
