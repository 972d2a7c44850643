import { dictionary } from '@zxcvbn-ts/language-common';

/**
 * Threshold of {@link wordLikelihood} in bits. A random secret of letters exceeds it at most once in 2^30, because the value
 * is a likelihood ratio.
 */
const WORDS_BITS = 30;
/** Threshold after reading digits and signs as letters, which makes some letters more frequent than chance. */
const LEET_BITS = 36;

const LEET: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
  '!': 'i',
};

/**
 * Returns true for a secret with words, repetitions, sequences or encoded text. Generated secrets (`openssl rand`, password
 * managers) have none of these.
 */
export function isGuessable(secret: string): boolean {
  if (/[^\x21-\x7e]/.test(secret)) return true;
  const text = secret.toLowerCase();
  if (repeats(text) || isSequence(text) || encodesText(secret)) return true;
  // Hexadecimal digits have no words, but letter pairs of words.
  if (!/[g-z]/.test(text)) return false;
  const unleeted = text.replace(/[013457@$!]/g, (sign) => LEET[sign] ?? sign);
  return wordLikelihood(text) > WORDS_BITS || wordLikelihood(unleeted) > LEET_BITS;
}

/** Returns true if fewer than three quarters of the text's character triples are different. */
function repeats(text: string): boolean {
  const triples = Array.from({ length: text.length - 2 }, (_, i) => text.slice(i, i + 3));
  return new Set(triples).size < triples.length * 0.75;
}

/** Neighbours on a keyboard. */
const ROWS = 'qwertyuiop asdfghjkl zxcvbnm 1234567890';

/** Returns true if more than three fifths of the characters equal their predecessor, or follow it in order or on a keyboard. */
function isSequence(text: string): boolean {
  const steps = Array.from(text).filter((character, i) => {
    const before = text[i - 1];
    if (before === undefined) return false;
    const distance = character.charCodeAt(0) - before.charCodeAt(0);
    return Math.abs(distance) <= 1 || ROWS.includes(before + character) || ROWS.includes(character + before);
  });
  return steps.length > (text.length - 1) * 0.6;
}

/** Returns true for base64 or hexadecimal of printable text. Random bytes are not printable. */
function encodesText(secret: string): boolean {
  const encodings = /^[0-9a-f]+$/i.test(secret) ? (['hex', 'base64'] as const) : (['base64'] as const);
  return encodings.some((encoding) => {
    const bytes = Buffer.from(secret, encoding);
    return bytes.length >= 12 && bytes.every((byte) => byte >= 0x20 && byte < 0x7f);
  });
}

/** Number of symbols: letters are 1 to 26, and 0 is the start of a word. */
const LETTERS = 27;
let model: ((before: number, previous: number, letter: number) => number) | undefined;

/** Returns the log-likelihood ratio of the text's letters, in bits: in words, against chance. */
function wordLikelihood(text: string): number {
  model ??= trigrams(Object.values(dictionary).flat());
  let bits = 0;
  let [before, previous] = [0, 0];
  for (const letter of lettersOf(text)) {
    if (letter > 0) bits += Math.log2(26 * model(before, previous, letter));
    [before, previous] = letter > 0 ? [previous, letter] : [0, 0];
  }
  return bits;
}

/** Returns the probability of a letter after two others, trained on words. Triples are smoothed by pairs, pairs by letters. */
function trigrams(words: readonly string[]): (before: number, previous: number, letter: number) => number {
  const triples = new Float64Array(LETTERS ** 3);
  for (const word of words) {
    let [before, previous] = [0, 0];
    for (const letter of lettersOf(word)) {
      const at = (before * LETTERS + previous) * LETTERS + letter;
      if (letter > 0) triples[at] = (triples[at] ?? 0) + 1;
      [before, previous] = letter > 0 ? [previous, letter] : [0, 0];
    }
  }
  const pairs = new Float64Array(LETTERS ** 2);
  const single = new Float64Array(LETTERS);
  const [afterPair, afterLetter] = [new Float64Array(LETTERS ** 2), new Float64Array(LETTERS)];
  let all = 0;
  triples.forEach((count, at) => {
    const letter = at % LETTERS;
    const context = Math.floor(at / LETTERS);
    const previous = context % LETTERS;
    const pair = previous * LETTERS + letter;
    pairs[pair] = (pairs[pair] ?? 0) + count;
    single[letter] = (single[letter] ?? 0) + count;
    afterPair[context] = (afterPair[context] ?? 0) + count;
    afterLetter[previous] = (afterLetter[previous] ?? 0) + count;
    all += count;
  });
  return (before, previous, letter) => {
    const context = before * LETTERS + previous;
    const one = ((single[letter] ?? 0) + 1) / (all + 26);
    const two = ((pairs[previous * LETTERS + letter] ?? 0) + 20 * one) / ((afterLetter[previous] ?? 0) + 20);
    return ((triples[context * LETTERS + letter] ?? 0) + 10 * two) / ((afterPair[context] ?? 0) + 10);
  };
}

function lettersOf(text: string): number[] {
  return Array.from(text, (character) =>
    character >= 'a' && character <= 'z' ? character.charCodeAt(0) - 96 : 0,
  );
}
