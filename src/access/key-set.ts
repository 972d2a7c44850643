import type { KeyObject } from 'node:crypto';

/** The public keys that access tokens may be signed with. AuthService has them itself, the others read its JWKS. */
export abstract class KeySet {
  /**
   * The ES256 public key of that id, or undefined when there is none.
   * @throws {Problem} `temporarily_unavailable` when the keys cannot be read just now.
   */
  abstract find(kid: string): Promise<KeyObject | undefined>;

  /** Whether a key that was found before is still good, at the cost of a look into a map. */
  abstract knows(kid: string): boolean;
}
