import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { excerptOf } from '../../src/boards/excerpt.js';
import { graphemeCount } from '../../src/text/graphemes.js';

describe('an excerpt', () => {
  it.each([
    ['one\ntwo\r\n\r\n\tthree ', 'one two three'],
    ['# Title\n\nText', 'Title Text'],
    ['- one\n- two\n\n> three', 'one two three'],
    ['some **bold**, *slanted* and ~~gone~~ words', 'some bold, slanted and gone words'],
    ['**대문**은 열려 있어요', '대문은 열려 있어요'],
    ['see [the docs](https://example.com/a) ![a cat](cat.png)', 'see the docs a cat'],
    ['```ts\nconst a = `b`;\n```', 'const a = b;'],
    ['above\n\n---\n\nbelow', 'above below'],
    ['snake_case, 2 * 3 * 4, a < b and 1. 5.', 'snake_case, 2 * 3 * 4, a < b and 1. 5.'],
    ['2025. 1. 5. 모임', '2025. 1. 5. 모임'],
  ])('of %j is %j', (body, excerpt) => {
    expect(excerptOf(body)).toBe(excerpt);
  });

  it('keeps 200 characters unchanged', () => {
    expect(excerptOf('🚪'.repeat(200))).toBe('🚪'.repeat(200));
  });

  it('is cut after 200 characters, at a character boundary', () => {
    expect(excerptOf('🚪'.repeat(201))).toBe(`${'🚪'.repeat(200)}…`);
  });

  it.each([
    ['a family', '👩‍👩‍👧‍👦'],
    ['a flag', '🇰🇷'],
    ['a heart in red', '❤️'],
    ['a syllable in pieces', '각'.normalize('NFD')],
    ['a Devanagari syllable', 'क्षि'],
  ])('is cut after 200 characters, never within %s', (_, character) => {
    expect(excerptOf(character.repeat(201))).toBe(`${character.repeat(200)}…`);
    expect(excerptOf(`**${character.repeat(1_500)}**`)).toBe(`**${character.repeat(198)}…`);
  });

  it('is one short line of complete characters for any text', () => {
    const body = fc.string({ unit: 'binary', maxLength: 3_000, size: 'max' });
    fc.assert(
      fc.property(body, (body) => {
        const excerpt = excerptOf(body);
        expect(graphemeCount(excerpt)).toBeLessThanOrEqual(201);
        expect(excerpt).not.toMatch(/[\n\r\t]|\p{Cs}/u);
      }),
    );
  });

  it.each(['*', '**a', '[', '[a](', '`', '~~', '- ', '>', '#', ' ', '_ '])(
    'of 20000 characters of %j takes no noticeable time',
    (mark) => {
      const start = performance.now();
      excerptOf(mark.repeat(20_000 / mark.length));
      expect(performance.now() - start).toBeLessThan(250);
    },
  );
});
