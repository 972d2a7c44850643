import { useRef } from 'react';

/** A key for `Idempotency-Key`: the same until what it was for is done. */
export function useIdempotencyKey(): { readonly current: () => string; readonly done: () => void } {
  const key = useRef<string>(undefined);
  return {
    current: () => (key.current ??= newKey()),
    done: () => (key.current = undefined),
  };
}

/** `crypto.randomUUID` is missing on plain http. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
