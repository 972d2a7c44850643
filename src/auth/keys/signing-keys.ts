import { createPublicKey, type KeyObject } from 'node:crypto';
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { JWK } from 'jose';
import { DataSource } from 'typeorm';
import { KeySet } from '../../access/key-set.js';
import { Periodic } from '../../concurrency/periodic.js';
import { Config } from '../../config/config.js';
import { DerivedKeys } from '../../crypto/derived-keys.js';
import { KeyRing, signingOf } from './key-ring.js';

/** Interval of reads of keys that other processes made or killed: well within the five minutes for which the JWKS is cached. */
const POLL_MS = 60_000;
/** Shortest pause between two reads because of an unknown key id, which a caller can make up. */
const MIN_PAUSE_MS = 1_000;

/** A key in memory. A `KeyObject` is created once, because jsonwebtoken is 3 to 30 times slower where it parses PEM at every call. */
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
  private readonly loading = new Periodic(() => this.load(), {
    everyMs: POLL_MS,
    onFailure: (error) => this.logger.warn({ err: error }, 'the signing keys cannot be read'),
  });

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
    this.loading.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.loading.stop();
  }

  /** Rotates keys that are due and reads all keys. Concurrent calls share one read. */
  refresh(): Promise<void> {
    return this.loading.run();
  }

  async find(kid: string): Promise<KeyObject | undefined> {
    // Another process may have created the key a moment ago.
    if (!this.knows(kid) && Date.now() - this.loadedAt > MIN_PAUSE_MS) await this.refresh();
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

  /** Returns the public keys as a JSON Web Key Set (RFC 7517). */
  jwks(): { keys: JWK[] } {
    return { keys: [...this.keys.values()].map(({ jwk }) => jwk) };
  }

  private async load(): Promise<void> {
    await this.ring.keepUp(this.config.signingKeyPeriodS);
    const keys = new Map<string, LoadedKey>();
    for (const stored of await this.ring.list()) {
      const { kid, publicJwk: jwk, useFrom } = stored;
      const loaded = this.keys.get(kid);
      const publicKey = loaded?.publicKey ?? createPublicKey({ key: jwk, format: 'jwk' });
      const privateKey = loaded?.privateKey ?? (await this.ring.privateHalf(stored));
      keys.set(kid, { kid, jwk, publicKey, privateKey, useFrom });
    }
    this.keys = keys;
    this.loadedAt = Date.now();
  }
}
