import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DerivedKeys, type DerivedKey } from '../../crypto/derived-keys.js';

/** Version of the format. Secret scanners find tokens by this prefix. */
const PREFIX = 'daemun_rt1_';
const HANDLE_BYTES = 32;
const KEY_ID_BYTES = 4;
const GENERATION_BYTES = 4;
const MAC_BYTES = 32;
const SIGNED_BYTES = KEY_ID_BYTES + HANDLE_BYTES + GENERATION_BYTES;
/** 72 bytes are 96 characters without padding. */
const FORMAT = new RegExp(`^${PREFIX}[A-Za-z0-9_-]{96}$`);
/** Largest PostgreSQL integer, less 2, because a step adds to the generation. */
const LAST_GENERATION = 2 ** 31 - 3;

/** Content of a refresh token with a valid MAC. */
export interface RefreshToken {
  /** Random bytes, from which the session id is derived. No store contains them. */
  readonly handle: Buffer;
  readonly sessionId: string;
  readonly generation: number;
}

/**
 * Refresh tokens: key id, handle, generation and MAC. The holder of a token cannot compute a newer one, the same token can be
 * computed again, and no store contains a secret for it (docs/refresh.md, “The token”).
 */
@Injectable()
export class RefreshTokens {
  private readonly keys: readonly [DerivedKey, ...DerivedKey[]];

  constructor(secrets: DerivedKeys) {
    this.keys = secrets.keys('refresh-token');
  }

  /** Creates the handle of a new session, and derives its id. */
  create(): { readonly handle: Buffer; readonly sessionId: string } {
    const handle = randomBytes(HANDLE_BYTES);
    return { handle, sessionId: sessionIdOf(handle) };
  }

  /** Returns the token of a generation: the same bytes each time. */
  mint(handle: Buffer, generation: number): string {
    const [key] = this.keys;
    const signed = Buffer.alloc(SIGNED_BYTES);
    keyIdOf(key).copy(signed);
    handle.copy(signed, KEY_ID_BYTES);
    signed.writeUInt32BE(generation, KEY_ID_BYTES + HANDLE_BYTES);
    return PREFIX + Buffer.concat([signed, mac(key, signed)]).toString('base64url');
  }

  /** Returns the content of a token; undefined if its format or MAC is wrong. Does not query a store. */
  parse(token: string): RefreshToken | undefined {
    if (!FORMAT.test(token)) return undefined;
    const bytes = Buffer.from(token.slice(PREFIX.length), 'base64url');
    const signed = bytes.subarray(0, SIGNED_BYTES);
    const key = this.keys.find((candidate) => keyIdOf(candidate).equals(signed.subarray(0, KEY_ID_BYTES)));
    if (key === undefined || !timingSafeEqual(bytes.subarray(SIGNED_BYTES), mac(key, signed)))
      return undefined;
    const handle = signed.subarray(KEY_ID_BYTES, KEY_ID_BYTES + HANDLE_BYTES);
    const generation = signed.readUInt32BE(KEY_ID_BYTES + HANDLE_BYTES);
    if (generation < 1 || generation > LAST_GENERATION) return undefined;
    return { handle, sessionId: sessionIdOf(handle), generation };
  }
}

function keyIdOf(key: DerivedKey): Buffer {
  return createHash('sha256').update(key.bytes).digest().subarray(0, KEY_ID_BYTES);
}

function mac(key: DerivedKey, signed: Buffer): Buffer {
  return createHmac('sha256', key.bytes)
    .update('daemun refresh token 1')
    .update(signed)
    .digest()
    .subarray(0, MAC_BYTES);
}

/** Returns the first 16 bytes of SHA-256(handle) as a UUID of version 8, whose content RFC 9562 leaves to the application. */
function sessionIdOf(handle: Buffer): string {
  const bytes = createHash('sha256').update(handle).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
