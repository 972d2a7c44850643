/** The characters that a reader sees (extended grapheme clusters), as the server counts them. */
export function graphemes(text: string): string[] {
  // Firefox has it since 125.
  if (!('Segmenter' in Intl)) return Array.from(text);
  return Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
}
