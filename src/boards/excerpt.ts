import { firstGraphemes } from '../text/graphemes.js';

/** Length of an excerpt in characters (extended grapheme clusters). */
const LENGTH = 200;
/** Length of the beginning of a body from which the excerpt is made, in characters. It leaves room for removed markup. */
const MAX_INPUT = 1_000;

/** Markdown syntax, and its replacement in an excerpt. */
const MARKS: readonly (readonly [RegExp, string])[] = [
  [/^ {0,3}(?:```|~~~).*$/gm, ''],
  [/^ {0,3}(?:[-*_] *){3,}$/gm, ''],
  [/^ {0,3}(?:#{1,6}|>+|[-*+])[ \t]+/gm, ''],
  [/!?\[([^[\]]*)\]\([^()\s]*\)/g, '$1'],
  [/(?<![\w*])(\*{1,3})(?=\S)([^*]+)(?<=\S)\1(?![\w*])/g, '$2'],
  [/~~(?=\S)([^~]+)~~/g, '$1'],
  [/`([^`]+)`/g, '$1'],
];

/** Returns the beginning of a Markdown text as one line of plain text, with `…` if the text is longer. */
export function excerptOf(body: string): string {
  const beginning = firstGraphemes(body, MAX_INPUT);
  const plain = MARKS.reduce((text, [mark, replacement]) => text.replace(mark, replacement), beginning)
    .replace(/\s+/g, ' ')
    .trim();
  const excerpt = firstGraphemes(plain, LENGTH);
  const isCut = excerpt.length < plain.length || beginning.length < body.length;
  return isCut ? `${excerpt.trimEnd()}…` : excerpt;
}
