import { randomUUID } from 'node:crypto';

// A random marker, so that no data contains it.
const DIGITS = `digits:${randomUUID()}:`;
const QUOTED_DIGITS = new RegExp(`"${DIGITS}(-?\\d+)"`, 'g');

/** `JSON.stringify` that writes a bigint as a JSON number with all digits, as Kakao writes ids. */
export function toJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(
    value,
    (_name, member: unknown) => (typeof member === 'bigint' ? `${DIGITS}${member}` : member),
    indent,
  );
  return text.replace(QUOTED_DIGITS, '$1');
}
