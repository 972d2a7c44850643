import { createHash, timingSafeEqual } from 'node:crypto';

/** Compares two texts in a time that does not depend on their contents or lengths. */
export function isEqualInConstantTime(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
