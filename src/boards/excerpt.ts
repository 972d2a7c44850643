import { firstGraphemes } from '../text/graphemes.js';

/** Characters (extended grapheme clusters) of an excerpt. */
const LENGTH = 200;
/** How much of a body is looked at: enough to fill an excerpt, whatever markup is dropped from it. */
const MAX_INPUT = 1_000;

/** Markdown's marks, and what is left of each: a reader should see words, not a parser's idea of the text. */
const MARKS: readonly (readonly [RegExp, string])[] = [
  [/^ {0,3}(?:```|~~~).*$/gm, ''],
  [/^ {0,3}(?:[-*_] *){3,}$/gm, ''],
  [/^ {0,3}(?:#{1,6}|>+|[-*+])[ \t]+/gm, ''],
  [/!?\[([^[\]]*)\]\([^()\s]*\)/g, '$1'],
  [/(?<![\w*])(\*{1,3})(?=\S)([^*]+)(?<=\S)\1(?![\w*])/g, '$2'],
  [/~~(?=\S)([^~]+)~~/g, '$1'],
  [/`([^`]+)`/g, '$1'],
];

/** The beginning of a Markdown text as one line of plain text, with `…` where it was cut. */
export function excerptOf(body: string): string {
  const beginning = firstGraphemes(body, MAX_INPUT);
  const plain = MARKS.reduce((text, [mark, rest]) => text.replace(mark, rest), beginning)
    .replace(/\s+/g, ' ')
    .trim();
  const shown = firstGraphemes(plain, LENGTH);
  const cut = shown.length < plain.length || beginning.length < body.length;
  return cut ? `${shown.trimEnd()}…` : shown;
}
