import { countGraphemes, graphemeSegments } from 'unicode-segmenter/grapheme';

// A library, because `Intl.Segmenter` of Node 20 has quadratic time, and needs seconds for a post of emoji.

/** Returns the number of extended grapheme clusters (UAX #29), which are the characters that a reader sees. */
export function graphemeCount(text: string): number {
  return countGraphemes(text);
}

/** Returns the first `max` extended grapheme clusters. A cluster is kept whole or left out. */
export function firstGraphemes(text: string, max: number): string {
  let count = 0;
  for (const { index } of graphemeSegments(text)) {
    if (count === max) return text.slice(0, index);
    count += 1;
  }
  return text;
}

/** Returns true if the text has an extended grapheme cluster of more than `max` code points. */
export function hasLongerGrapheme(text: string, max: number): boolean {
  // A code point has one or two UTF-16 units.
  if (text.length <= max) return false;
  for (const { segment } of graphemeSegments(text)) {
    if (segment.length > max && codePointCount(segment) > max) return true;
  }
  return false;
}

export function codePointCount(text: string): number {
  return Array.from(text).length;
}
