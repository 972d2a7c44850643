/** Returns a nickname for an account without one: "손님" (guest) and four digits from the random end of its id. */
export function guestName(accountId: string): string {
  const number = Number.parseInt(accountId.slice(-8), 16) % 10_000;
  return `손님${String(number).padStart(4, '0')}`;
}
