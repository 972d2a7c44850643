/** What to call someone who has not said it. "손님" is a guest; the digits, from the random end of the id, tell two of them apart. */
export function guestName(accountId: string): string {
  const number = Number.parseInt(accountId.slice(-8), 16) % 10_000;
  return `손님${String(number).padStart(4, '0')}`;
}
