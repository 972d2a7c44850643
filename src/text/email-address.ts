import { domainToASCII } from 'node:url';
import { z } from 'zod';
import type { FieldErrorCode } from '../problems/field-errors.js';

/** Largest local part (RFC 5321, 4.5.3.1.1). */
const MAX_LOCAL_PART_BYTES = 64;
/** Largest address: a path (RFC 5321, 4.5.3.1.3) without its angle brackets. */
const MAX_ADDRESS_BYTES = 254;

/** Longest input in UTF-16 units. It leaves room for domains in other scripts, and for surrounding white space. */
const MAX_INPUT_LENGTH = 1_024;

/** A `Dot-string` (RFC 5321, 4.1.2) in lower case. */
const DOT_STRING = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
/** At least two labels of letters, digits and inner hyphens, of at most 63 bytes each (RFC 1123, 2.1); the last is not a number. */
const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?!\d+$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])$/;
/** Characters at which a URL parser ends a host name, or which it decodes or drops. */
const NOT_IN_HOST = /[\p{Cc}\p{White_Space}%/\\?#:@[\]]/u;

/** Spaces, tabs and invisible format characters around an address, for example in copied text. */
const AROUND = /^[\t\p{Zs}\p{Cf}]+|[\t\p{Zs}\p{Cf}]+$/gu;
/** Full-width forms of ASCII, as East Asian keyboards write them. */
const FULL_WIDTH = /[\uff01-\uff5e]/g;
const FULL_WIDTH_OFFSET = 0xff01 - 0x21;

/**
 * E-mail address in canonical form: ASCII in lower case, with the domain in punycode (UTS #46) and without a trailing dot.
 * Quoted local parts, address literals and single-label domains are refused, and so are local parts beyond ASCII, because
 * mail servers without SMTPUTF8 (RFC 6531) cannot deliver to them.
 */
export const emailAddress = z
  .string()
  .transform((written, context): string => {
    const address = written.length > MAX_INPUT_LENGTH ? written : normalize(written);
    const refusal = refusalOf(address);
    if (refusal === undefined) return address;
    const [code, message] = refusal;
    context.addIssue({ code: 'custom', params: { code }, message });
    return z.NEVER;
  })
  .meta({
    format: 'idn-email',
    example: 'mina@example.com',
    description: 'The domain may be written in any script. It is stored in lower case and in punycode.',
  });

function normalize(written: string): string {
  const text = written
    .replace(AROUND, '')
    .replace(FULL_WIDTH, (sign) => String.fromCharCode(sign.charCodeAt(0) - FULL_WIDTH_OFFSET));
  const at = text.lastIndexOf('@');
  const domain = text.slice(at + 1);
  if (at === -1 || NOT_IN_HOST.test(domain)) return text;
  // ASCII only, because U+212A (KELVIN SIGN) in lower case is "k", which may be another mailbox.
  const localPart = text.slice(0, at).replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return `${localPart}@${domainToASCII(domain).replace(/\.$/, '')}`;
}

function refusalOf(address: string): readonly [FieldErrorCode, string] | undefined {
  const tooLong = ['too_long', `must have at most ${MAX_ADDRESS_BYTES} characters`] as const;
  if (address.length > MAX_INPUT_LENGTH) return tooLong;
  const at = address.lastIndexOf('@');
  const [localPart, domain] = [address.slice(0, Math.max(at, 0)), address.slice(at + 1)];
  if (at > 0 && /^[^\s\p{C}@]*[^\0-\x7f][^\s\p{C}@]*$/u.test(localPart)) {
    return ['not_ascii', 'must be an e-mail address with nothing but ASCII characters before the @'];
  }
  if (!DOT_STRING.test(localPart) || !DOMAIN.test(domain)) {
    return ['invalid_format', 'must be an e-mail address'];
  }
  if (localPart.length > MAX_LOCAL_PART_BYTES) {
    return ['too_long', `must have at most ${MAX_LOCAL_PART_BYTES} characters before the @`];
  }
  return address.length > MAX_ADDRESS_BYTES ? tooLong : undefined;
}
