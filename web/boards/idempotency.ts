import { useRef } from 'react';

/**
 * Returns a function that returns an `Idempotency-Key`. The same content gets the same key, so that a repeat after a
 * lost response creates nothing twice.
 */
export function useIdempotencyKey(): (what: unknown) => string {
  const last = useRef({ what: '', key: '' });
  return (what) => {
    const text = JSON.stringify(what);
    if (text !== last.current.what) last.current = { what: text, key: newKey() };
    return last.current.key;
  };
}

/** Random 128 bits in hex; `crypto.randomUUID` is missing on plain http. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
