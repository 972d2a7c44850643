import { createHash, hkdfSync, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Injectable } from '@nestjs/common';
import { compactDecrypt, CompactEncrypt, decodeProtectedHeader } from 'jose';
import { Config } from '../config/config.js';
import { makeDataDir } from '../config/data-dir.js';

/** A 256-bit key for one purpose, with a short public id (`kid`). */
export interface DerivedKey {
  readonly id: string;
  readonly bytes: Buffer;
}

/**
 * Keys derived from `AUTH_SECRET`: one key per purpose (HKDF, RFC 5869). With several secrets the first seals and signs, and
 * all of them open and verify, so that a secret can be rolled over without ending sessions.
 */
@Injectable()
export class DerivedKeys {
  private readonly roots: readonly Buffer[];
  private readonly derived = new Map<string, readonly [DerivedKey, ...DerivedKey[]]>();

  constructor(config: Config) {
    const secrets = config.authSecrets.map((secret) => secret.reveal());
    this.roots = (secrets.length > 0 ? secrets : [developmentSecret(config.dataDir)]).map((text) =>
      Buffer.from(text),
    );
  }

  /** Returns the keys for a purpose. The first seals and signs. */
  keys(purpose: string): readonly [DerivedKey, ...DerivedKey[]] {
    const cached = this.derived.get(purpose);
    if (cached !== undefined) return cached;
    const [first, ...rest] = this.roots.map((root) => {
      const bytes = Buffer.from(hkdfSync('sha256', root, '', `daemun/${purpose}`, 32));
      return { id: createHash('sha256').update(bytes).digest('base64url').slice(0, 8), bytes };
    });
    if (first === undefined) throw new Error('no secret');
    const keys = [first, ...rest] as const;
    this.derived.set(purpose, keys);
    return keys;
  }

  /** Encrypts and authenticates a text (AES-256-GCM). Returns a compact JWE (RFC 7516). */
  async seal(purpose: string, text: string): Promise<string> {
    const [key] = this.keys(purpose);
    return new CompactEncrypt(Buffer.from(text))
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: key.id })
      .encrypt(key.bytes);
  }

  /** True while `AUTH_SECRET` has older secrets beside the newest. */
  get hasOlderSecrets(): boolean {
    return this.roots.length > 1;
  }

  /** Returns true if the text was sealed under the newest secret. */
  isNewest(purpose: string, sealed: string): boolean {
    return decodeProtectedHeader(sealed).kid === this.keys(purpose)[0].id;
  }

  /** Returns the sealed text; undefined if it was sealed for another purpose, under another secret, or is not authentic. */
  async open(purpose: string, sealed: string): Promise<string | undefined> {
    const keys = this.keys(purpose);
    try {
      const { plaintext } = await compactDecrypt(
        sealed,
        ({ kid }) => {
          const key = keys.find(({ id }) => id === kid);
          if (key === undefined) throw new Error('unknown key');
          return key.bytes;
        },
        { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] },
      );
      return Buffer.from(plaintext).toString();
    } catch {
      return undefined;
    }
  }
}

/** Returns the secret in the data folder, and creates it if needed. Development only. */
function developmentSecret(dataDir: string): string {
  makeDataDir(dataDir);
  const path = resolve(dataDir, 'auth-secret');
  try {
    writeFileSync(path, randomBytes(32).toString('base64url'), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return readFileSync(path, 'utf8').trim();
}
