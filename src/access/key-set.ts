import type { KeyObject } from 'node:crypto';

/** Public keys of access tokens. `SigningKeys` implements it in this server; other services read the JWKS. */
export abstract class KeySet {
  /**
   * Returns the ES256 public key of an id, or undefined.
   * @throws {Problem} `temporarily_unavailable` when the keys cannot be read.
   */
  abstract find(kid: string): Promise<KeyObject | undefined>;

  /** Returns true while a key that was found before is valid. It only reads memory. */
  abstract knows(kid: string): boolean;
}
