import { countGraphemes, graphemeSegments } from 'unicode-segmenter/grapheme';

// `Intl.Segmenter` of Node 20 needs seconds for a post of emoji, since its time grows with the square of the length.

/** The number of extended grapheme clusters (UAX #29): the characters that a reader sees. */
export function graphemeCount(text: string): number {
  return countGraphemes(text);
}

/** The first `most` extended grapheme clusters. A cluster is kept whole or left out. */
export function firstGraphemes(text: string, most: number): string {
  let count = 0;
  for (const { index } of graphemeSegments(text)) {
    if (count === most) return text.slice(0, index);
    count += 1;
  }
  return text;
}

/** Finds an extended grapheme cluster of more than `most` code points. */
export function hasLongerGrapheme(text: string, most: number): boolean {
  // A code point has one or two UTF-16 units.
  if (text.length <= most) return false;
  for (const { segment } of graphemeSegments(text)) {
    if (segment.length > most && codePointCount(segment) > most) return true;
  }
  return false;
}

/** The number of Unicode code points. */
export function codePointCount(text: string): number {
  return Array.from(text).length;
}
