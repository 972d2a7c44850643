import { createPublicKey, type KeyObject } from 'node:crypto';
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { JWK } from 'jose';
import { DataSource } from 'typeorm';
import { KeySet } from '../../access/key-set.js';
import { Config } from '../../config/config.js';
import { DerivedKeys } from '../../crypto/derived-keys.js';
import { KeyRing, signingOf } from './key-ring.js';

/** Interval (ms) of reads for keys that other processes created or deleted: within the five minutes of the JWKS cache. */
const EVERY = 60_000;
/** Minimum interval of reads for unknown key ids, which anyone can make up. */
const MIN_REFRESH_INTERVAL_MS = 1_000;

/** Key in memory. KeyObjects are created once, because jsonwebtoken is 3 to 30 times slower with PEM. */
interface LoadedKey {
  readonly kid: string;
  readonly jwk: JWK;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  readonly useFrom: Date;
}

/** Signing keys in memory, read from {@link KeyRing}. The first start creates a key, and reads rotate keys that are due. */
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

  /** Rotates keys that are due and reads all keys. Concurrent calls share one read. */
  refresh(): Promise<void> {
    this.underWay ??= this.load().finally(() => (this.underWay = undefined));
    return this.underWay;
  }

  async find(kid: string): Promise<KeyObject | undefined> {
    // Another process may have just created an unknown key.
    if (!this.knows(kid) && Date.now() - this.loadedAt > MIN_REFRESH_INTERVAL_MS) await this.refresh();
    return this.keys.get(kid)?.publicKey;
  }

  knows(kid: string): boolean {
    return this.keys.has(kid);
  }

  /** Returns the key that signs new tokens. */
  current(): { readonly kid: string; readonly privateKey: KeyObject } {
    const key = signingOf([...this.keys.values()]);
    if (key === undefined) throw new Error('the signing keys have not been loaded');
    return key;
  }

  /** Returns the JWK Set (RFC 7517) of the public keys. */
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
