import { createHash } from 'node:crypto';

const CHALLENGE = /^[A-Za-z0-9_-]{43}$/;
const VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/;

/** Returns true if the query has an S256 challenge (RFC 7636). `plain` is refused, although some providers accept it. */
export function hasS256Challenge(query: URLSearchParams): boolean {
  return query.get('code_challenge_method') === 'S256' && CHALLENGE.test(query.get('code_challenge') ?? '');
}

/** Returns true if the verifier is well-formed and matches the challenge. */
export function verifierFits(challenge: string, verifier: string): boolean {
  return VERIFIER.test(verifier) && createHash('sha256').update(verifier).digest('base64url') === challenge;
}
