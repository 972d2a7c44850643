/** JSON object with unknown members. Integers that a double cannot hold are strings of their digits. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Matches a string, or a number with all its parts. In valid JSON it finds every number outside of strings. */
const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const INTEGER = /^-?\d{16,}$/;

/**
 * Parses a JSON object without loss of digits. The ids of Kakao are 64-bit integers, and `JSON.parse` maps two ids that differ in
 * the last digit to the same number.
 * @throws {SyntaxError} for anything but a JSON object. The message does not quote the text.
 */
export function parseJsonObject(text: string): JsonObject {
  let value: unknown;
  try {
    // Checks the text first, because the pattern is right for valid JSON only: `{1234567890123456789: 1}` is not.
    JSON.parse(text);
    value = JSON.parse(text.replace(STRING_OR_NUMBER, keepDigits), dropProto);
  } catch {
    throw new SyntaxError('not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new SyntaxError('not a JSON object');
  return value as JsonObject;
}

/** Returns a member that is an object, or an empty object. */
export function objectAt(json: JsonObject, name: string): JsonObject {
  const value = json[name];
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

function keepDigits(token: string): string {
  return INTEGER.test(token) && !Number.isSafeInteger(Number(token)) ? `"${token}"` : token;
}

/** Removes `__proto__`, which a copy by assignment turns into a prototype. */
function dropProto(key: string, value: unknown): unknown {
  return key === '__proto__' ? undefined : value;
}
