const clearers = new Set<() => void>();

/** Registers what clears a part of the page that belongs to one account: called when it logs out, and when another logs in. */
export function clearWithAccount(clear: () => void): void {
  clearers.add(clear);
}

/** Clears everything that the page keeps of an account. */
export function clearAccountState(): void {
  for (const clear of clearers) clear();
}
