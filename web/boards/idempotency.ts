import { useRef } from 'react';

/**
 * Keys for `Idempotency-Key`: the same one as long as the same thing is sent, so that it is not there twice when an answer
 * gets lost and the person tries again.
 */
export function useIdempotencyKey(): (what: unknown) => string {
  const last = useRef({ what: '', key: '' });
  return (what) => {
    const text = JSON.stringify(what);
    if (text !== last.current.what) last.current = { what: text, key: newKey() };
    return last.current.key;
  };
}

/** `crypto.randomUUID` is missing on plain http. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
