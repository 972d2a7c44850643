/** Splits a text into extended grapheme clusters, which are the characters that the server counts. */
export function graphemes(text: string): string[] {
  // Firefox before 125 has no Intl.Segmenter.
  if (!('Segmenter' in Intl)) return Array.from(text);
  return Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
}
