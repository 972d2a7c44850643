import { createHash, hkdfSync, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Injectable } from '@nestjs/common';
import { compactDecrypt, CompactEncrypt, decodeProtectedHeader } from 'jose';
import { Config } from '../config/config.js';
import { makeDataDir } from '../config/data-dir.js';

/** A 256-bit key derived for one purpose, with a short public id by which it is found again. */
export interface DerivedKey {
  readonly id: string;
  readonly bytes: Buffer;
}

/**
 * Everything that follows from `AUTH_SECRET`: one key per purpose (HKDF, RFC 5869), so that no key serves two. With
 * several secrets the first makes and all of them check, which is how a secret is exchanged without logging anyone out.
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

  /** The keys for a purpose; the first is the one to make new things with. */
  keys(purpose: string): readonly [DerivedKey, ...DerivedKey[]] {
    const known = this.derived.get(purpose);
    if (known !== undefined) return known;
    const [first, ...rest] = this.roots.map((root) => {
      const bytes = Buffer.from(hkdfSync('sha256', root, '', `daemun/${purpose}`, 32));
      return { id: createHash('sha256').update(bytes).digest('base64url').slice(0, 8), bytes };
    });
    if (first === undefined) throw new Error('no secret');
    const keys = [first, ...rest] as const;
    this.derived.set(purpose, keys);
    return keys;
  }

  /** Encrypts and authenticates a text (AES-256-GCM, as a compact JWE of RFC 7516). */
  async seal(purpose: string, text: string): Promise<string> {
    const [key] = this.keys(purpose);
    return new CompactEncrypt(Buffer.from(text))
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: key.id })
      .encrypt(key.bytes);
  }

  /** Whether there is an older secret to leave behind. */
  get areExchanged(): boolean {
    return this.roots.length > 1;
  }

  /** Whether it was sealed under the newest secret, and opens without the others. */
  isNewest(purpose: string, sealed: string): boolean {
    return decodeProtectedHeader(sealed).kid === this.keys(purpose)[0].id;
  }

  /** What was sealed, or undefined when it was sealed for another purpose, under another secret, or not by us. */
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

/** Outside production a secret may be left out: one is made then, and kept beside the data that it opens. */
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
