/** Returns the text for a code; undefined if this page does not know the code, such as that of a newer server. */
export function textFor(texts: Readonly<Record<string, string>>, code: string): string | undefined {
  return Object.hasOwn(texts, code) ? texts[code] : undefined;
}
