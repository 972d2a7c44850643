const clearers = new Set<() => void>();

/** Registers a function that clears data of one account. It is called at a logout, and at a login of another account. */
export function clearWithAccount(clear: () => void): void {
  clearers.add(clear);
}

/** Clears all data of one account. */
export function clearAccountState(): void {
  for (const clear of clearers) clear();
}
