import { createPublicKey, type KeyObject } from 'node:crypto';
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { JWK } from 'jose';
import { DataSource } from 'typeorm';
import { KeySet } from '../../access/key-set.js';
import { Config } from '../../config/config.js';
import { DerivedKeys } from '../../crypto/derived-keys.js';
import { KeyRing, signingOf } from './key-ring.js';

/** How often (ms) to look for keys that were made or killed elsewhere: well within the five minutes of the JWKS. */
const EVERY = 60_000;
/** Tokens with made-up key ids must not make us ask the database more often (ms) than this. */
const LEAST_PAUSE = 1_000;

/** A key in memory. KeyObjects are made once: jsonwebtoken is 3 to 30 times slower when it has to parse PEM at every call. */
interface LoadedKey {
  readonly kid: string;
  readonly jwk: JWK;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  readonly useFrom: Date;
}

/** The keys that sign access tokens: made on the first start, rotated in time, public halves for everyone. */
@Injectable()
export class SigningKeys extends KeySet implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(SigningKeys.name);
  private readonly ring: KeyRing;
  private keys: ReadonlyMap<string, LoadedKey> = new Map();
  private loadedAt = 0;
  private underWay: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    dataSource: DataSource,
    secrets: DerivedKeys,
    private readonly config: Config,
  ) {
    super();
    this.ring = new KeyRing(dataSource, secrets);
  }

  async onModuleInit(): Promise<void> {
    await this.refresh();
    const quietly = (): void => {
      this.refresh().catch((error: unknown) => {
        this.logger.warn({ err: error }, 'the signing keys cannot be read just now');
      });
    };
    this.timer = setInterval(quietly, EVERY).unref();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.underWay?.catch(() => {});
  }

  /** Makes and removes what is due, and takes on what there is. */
  refresh(): Promise<void> {
    this.underWay ??= this.load().finally(() => (this.underWay = undefined));
    return this.underWay;
  }

  async find(kid: string): Promise<KeyObject | undefined> {
    // One that we do not know may have been made by another process a moment ago.
    if (!this.knows(kid) && Date.now() - this.loadedAt > LEAST_PAUSE) await this.refresh();
    return this.keys.get(kid)?.publicKey;
  }

  knows(kid: string): boolean {
    return this.keys.has(kid);
  }

  /** The key that new tokens are signed with. */
  current(): { readonly kid: string; readonly privateKey: KeyObject } {
    const key = signingOf([...this.keys.values()]);
    if (key === undefined) throw new Error('the signing keys have not been loaded');
    return key;
  }

  /** RFC 7517: the public halves, as other services read them. */
  jwks(): { keys: JWK[] } {
    return { keys: [...this.keys.values()].map(({ jwk }) => jwk) };
  }

  private async load(): Promise<void> {
    await this.ring.keepUp(this.config.signingKeyPeriod);
    const keys = new Map<string, LoadedKey>();
    for (const stored of await this.ring.list()) {
      const { kid, publicJwk: jwk, useFrom } = stored;
      const known = this.keys.get(kid);
      const publicKey = known?.publicKey ?? createPublicKey({ key: jwk, format: 'jwk' });
      const privateKey = known?.privateKey ?? (await this.ring.privateHalf(stored));
      keys.set(kid, { kid, jwk, publicKey, privateKey, useFrom });
    }
    this.keys = keys;
    this.loadedAt = Date.now();
  }
}
