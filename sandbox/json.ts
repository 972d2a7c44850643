import { randomUUID } from 'node:crypto';

// Chosen per process so that no data can contain it.
const DIGITS = `digits:${randomUUID()}:`;
const QUOTED_DIGITS = new RegExp(`"${DIGITS}(-?\\d+)"`, 'g');

/** `JSON.stringify` that writes a bigint as a JSON number with all its digits, as Kakao writes its ids. */
export function toJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(
    value,
    (_name, member: unknown) => (typeof member === 'bigint' ? `${DIGITS}${member}` : member),
    indent,
  );
  return text.replace(QUOTED_DIGITS, '$1');
}
