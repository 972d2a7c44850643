/** A JSON object of unknown members. Integers that a double cannot hold are in it as strings of their digits. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** A string, or a number with all its parts. In valid JSON it finds every number, and none inside a string. */
const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const INTEGER = /^-?\d{16,}$/;

/**
 * Parses a JSON object without losing digits: Kakao's ids are 64-bit integers, and `JSON.parse` would make one person of
 * two whose ids differ in the last digit.
 * @throws {SyntaxError} for anything but a JSON object. The message does not quote the text.
 */
export function parseJsonObject(text: string): JsonObject {
  let value: unknown;
  try {
    // First as it is: only in valid JSON does the pattern know what is a number, `{1234567890123456789: 1}` is none.
    JSON.parse(text);
    value = JSON.parse(text.replace(STRING_OR_NUMBER, keepDigits), dropProto);
  } catch {
    throw new SyntaxError('not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new SyntaxError('not a JSON object');
  return value as JsonObject;
}

/** A member that is an object, or an empty one in its place. */
export function objectAt(json: JsonObject, name: string): JsonObject {
  const value = json[name];
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

function keepDigits(token: string): string {
  return INTEGER.test(token) && !Number.isSafeInteger(Number(token)) ? `"${token}"` : token;
}

/** An own member of this name becomes a prototype as soon as somebody copies the object by assignment. */
function dropProto(key: string, value: unknown): unknown {
  return key === '__proto__' ? undefined : value;
}
