import { afterAll, beforeAll } from '@jest/globals';
import { hash as argon2, type Options } from '../../node_modules/@node-rs/argon2/index.js';

let isFullCost = false;

/** Computes the hashes of a suite at the cost of their parameters. A hash of one cost does not fit at the other. */
export function useFullHashCost(): void {
  beforeAll(() => void (isFullCost = true));
  afterAll(() => void (isFullCost = false));
}

/** Factor by which hashes of tests take less memory, and about as much less time. */
const MEMORY_DIVISOR = 64;

/**
 * `hash` of `@node-rs/argon2`, which `jest.config.js` replaces by this function. The hash takes a fraction of the memory; its PHC string names the
 * parameters of the caller.
 */
export async function hash(password: string | Uint8Array, options: Options): Promise<string> {
  if (isFullCost) return argon2(password, options);
  const { memoryCost = 0 } = options;
  const cheap = Math.ceil(memoryCost / MEMORY_DIVISOR);
  const phc = await argon2(password, { ...options, memoryCost: cheap });
  return phc.replace(`$m=${cheap},`, `$m=${memoryCost},`);
}
