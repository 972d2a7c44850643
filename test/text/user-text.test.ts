import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { firstGraphemes, graphemeCount } from '../../src/text/graphemes.js';
import { json, type Call } from '../support/fixtures/actors.js';
import { onEachDatabase } from '../support/fixtures/databases.js';

const FAMILY = '👩‍👩‍👧‍👦';

describe('the first characters of a text', () => {
  const written = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc
      .array(fc.constantFrom(FAMILY, '🇰🇷', '❤️', 'a\u0301', '\u1100\u1161\u11a8', '\r\n', '\u200d'))
      .map((signs) => signs.join('')),
  );

  it('are a prefix of at most the given length that ends at a character boundary', () => {
    fc.assert(
      fc.property(written, fc.nat({ max: 20 }), (text, most) => {
        const cut = firstGraphemes(text, most);
        expect(text.startsWith(cut)).toBe(true);
        expect(graphemeCount(cut)).toBe(Math.min(most, graphemeCount(text)));
        expect(graphemeCount(cut) + graphemeCount(text.slice(cut.length))).toBe(graphemeCount(text));
      }),
    );
  });

  it('are equal to the graphemes of Intl.Segmenter', () => {
    const signs = fc.array(
      fc.constantFrom(FAMILY, '🇰🇷', '👍🏽', 'e\u0301', '각', '\u1100\u1161', 'é', 'a', '\n'),
    );
    fc.assert(
      fc.property(signs, (signs) => {
        const text = signs.join('');
        expect(graphemeCount(text)).toBe(Array.from(new Intl.Segmenter().segment(text)).length);
      }),
    );
  });
});

onEachDatabase('user text', (fixture) => {
  /** Writes a text in one place. Returns the response and a function that reads the text back. */
  interface Place {
    readonly pointer: string;
    readonly write: (text: string) => Promise<Response>;
    readonly read: (written: Record<string, unknown>) => Promise<Record<string, unknown>>;
  }
  const profile = (member: 'nickname' | 'bio'): Place => ({
    pointer: `/${member}`,
    write: (text) => fixture.joon.call('PATCH', '/users/me', { [member]: text }),
    read: () => json(fixture.anyone('GET', `/users/${fixture.joon.id}`)),
  });
  const post = (member: 'title' | 'body'): Place => ({
    pointer: `/${member}`,
    write: async (text) => {
      const slug = await fixture.makeBoard();
      return fixture.mina.call('POST', `/boards/${slug}/posts`, { title: 'T', body: 'B', [member]: text });
    },
    read: ({ id }) => json(fixture.anyone('GET', `/posts/${String(id)}`)),
  });
  const comment: Place = {
    pointer: '/body',
    write: async (text) => {
      const path = await fixture.writePost(await fixture.makeBoard());
      return fixture.mina.call('POST', `${path}/comments`, { body: text });
    },
    read: async ({ id, postId }) => {
      const path = `/posts/${String(postId)}/comments`;
      const { items } = await json<{ items: Record<string, unknown>[] }>(fixture.anyone('GET', path));
      return items.find((each) => each['id'] === id)!;
    },
  };
  const board = (member: 'title' | 'description'): Place => ({
    pointer: `/${member}`,
    write: async (text) => {
      const path = `/boards/${await fixture.makeBoard()}`;
      return fixture.admin.call('PATCH', path, { [member]: text });
    },
    read: ({ slug }) => json(fixture.anyone('GET', `/boards/${String(slug)}`)),
  });
  const LINES: Record<string, Place> = {
    nickname: profile('nickname'),
    'post title': post('title'),
    'board title': board('title'),
  };
  const BLOCKS: Record<string, Place> = { 'post body': post('body'), comment };
  const OPTIONAL: Record<string, Place> = { bio: profile('bio'), 'board description': board('description') };
  const EVERY = Object.entries({ ...LINES, ...BLOCKS, ...OPTIONAL });
  const memberOf = ({ pointer }: Place) => pointer.slice(1);

  async function stored(place: Place, text: string): Promise<unknown> {
    const response = await place.write(text);
    expect(response.ok).toBe(true);
    return (await place.read(await json(response)))[memberOf(place)];
  }
  async function expectRefusal(place: Place, text: string): Promise<void> {
    const response = await place.write(text);
    expect(response.status).toBe(400);
    const errors = expect.arrayContaining([expect.objectContaining({ pointer: place.pointer })]);
    expect(await response.json()).toMatchObject({ code: 'validation_failed', errors });
  }

  describe.each(EVERY)('a %s', (_, place) => {
    it('in Normalization Form D is stored in Form C', async () => {
      const text = 'Ångström 따뜻한 봄날';
      expect(await stored(place, text.normalize('NFD'))).toBe(text.normalize('NFC'));
    });

    it('is returned in its normal form, and the normal form is stored unchanged', async () => {
      const unit = fc.constantFrom(
        'a',
        ' ',
        '가',
        '\u1100',
        '\u1161',
        '\u0301',
        'e',
        '\u200b',
        '\u200d',
        FAMILY,
        '\u00ad',
        '\ufeff',
        '❤️',
      );
      await fc.assert(
        fc.asyncProperty(fc.array(unit, { minLength: 2, maxLength: 12 }), async (signs) => {
          const response = await place.write(`미${signs.join('')}나`);
          fc.pre(response.ok);
          const written = await json(response);
          const kept = written[memberOf(place)];
          expect((await place.read(written))[memberOf(place)]).toBe(kept);
          expect(kept).toBe(String(kept).normalize('NFC'));
          expect(await stored(place, String(kept))).toBe(kept);
        }),
        { numRuns: 10 },
      );
    });

    it.each([
      ['NUL', 'mi\0na'],
      ['a lone high surrogate', 'mi\ud83dna'],
      ['a lone low surrogate', 'mi\udc69na'],
      ['a Hangul filler alone', '\u3164\u3164'],
      ['zero width spaces alone', '\u200b\u200b'],
      ['Braille blanks alone', '\u2800\u2800'],
      ['tags alone', '\u{e0041}\u{e0042}'],
      ['variation selectors alone', '\ufe0f\ufe0e'],
      ['joiners alone', '\u200d\u200c'],
      ['combining marks alone', ' \u0301 \u0302'],
      ['17 code points in one character', `mi${'\u0316'.repeat(16)}na`],
      ['marks without end', `mi${'\u0301\u0316'.repeat(5_000)}na`],
    ])('with %s is refused', async (_, text) => {
      await expectRefusal(place, text);
    });
  });

  describe.each(Object.entries({ ...LINES, ...BLOCKS }))('a %s', (_, place) => {
    it('of white space alone is refused', async () => {
      await expectRefusal(place, ' \u3000\u00a0\u2003 ');
    });
  });

  describe.each(Object.entries(LINES))('a %s', (_, place) => {
    it.each([
      ['a line feed', 'mi\nna'],
      ['a line separator', 'mi\u2028na'],
      ['a next line control', 'mi\u0085na'],
      ['an escape character', 'mi\u001bna'],
      ['a text direction override', 'mi\u202ena'],
      ['a text direction isolate', 'mi\u2067na'],
      ['a noncharacter', 'mi\ufdd0na'],
      ['a private-use character', 'mi\ue000na'],
    ])('with %s is refused', async (_, text) => {
      await expectRefusal(place, text);
    });

    it.each([
      ['zero width spaces', 'mi\u200bna\u200b'],
      ['a byte order mark', '\ufeffmina'],
      ['soft hyphens', 'mi\u00adna'],
      ['text direction marks', '\u200emina\u200f'],
      ['hidden tags', 'mina\u{e006d}\u{e0069}'],
      ['white space around it', '\u3000 mina\u00a0'],
    ])('is stored without %s', async (_, text) => {
      expect(await stored(place, text)).toBe('mina');
    });

    it.each([
      ['the joiners of an emoji', `${FAMILY} mina`],
      ['the tags of a flag', '🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f} mina'],
      ['the non-joiner of Persian', 'می\u200cنا'],
      ['emoji presentation', '❤️ mina'],
    ])('is stored with %s', async (_, text) => {
      expect(await stored(place, text)).toBe(text);
    });
  });

  describe.each(Object.entries(OPTIONAL))('a %s', (_, place) => {
    it('of white space alone is empty', async () => {
      expect(await stored(place, ' \n\u3000')).toBe('');
    });
  });

  it.each([
    ['nickname', LINES['nickname']!, 20],
    ['post title', LINES['post title']!, 120],
    ['board title', LINES['board title']!, 60],
    ['bio', OPTIONAL['bio']!, 300],
    ['board description', OPTIONAL['board description']!, 500],
    ['comment', BLOCKS['comment']!, 2_000],
  ])('a %s is counted in grapheme clusters', async (_, place, most) => {
    const [longest, tooLong] = [FAMILY.repeat(most), FAMILY.repeat(most + 1)];
    expect(await stored(place, longest)).toBe(longest);
    await expectRefusal(place, tooLong);
  });

  it('a body keeps its line ends, white space and control characters', async () => {
    const body = '  one\r\n\r\n\ttwo \u001b[1m\n ';
    expect(await stored(BLOCKS['post body']!, body)).toBe(body);
  });

  describe('a search', () => {
    const search = async (q: string, call: Call = fixture.anyone) => {
      const slug = await fixture.makeBoard();
      await fixture.writePost(slug, { title: '따뜻한 Ａｎｇström 카페'.normalize('NFD') });
      return call('GET', `/boards/${slug}/posts?q=${encodeURIComponent(q)}`);
    };

    it.each([
      ['in Normalization Form C', '따뜻한'.normalize('NFC')],
      ['in Normalization Form D', '따뜻한'.normalize('NFD')],
      ['in ASCII for full width', 'angström'],
      ['in full width', 'ＡＮＧＳＴＲＯ\u0308Ｍ'],
      ['between zero width spaces', '\u200b카페\u200b'],
    ])('finds a word %s', async (_, q) => {
      expect(await json(search(q))).toMatchObject({ items: [{ title: expect.any(String) }] });
    });

    it.each([
      ['100 characters of many code points', FAMILY.repeat(100)],
      ['100 letters with marks', 'a\u0335\u0336\u0337\u0338'.repeat(100)],
      ['nothing visible', '\u3164\u200b\u2800'],
      ['noncharacters', '\ufdd0\uffff'],
    ])('accepts %s', async (_, q) => {
      expect((await search(q)).status).toBe(200);
    });

    it.each([
      ['NUL', '\0'],
      ['101 characters', 'a'.repeat(101)],
      ['10,000 characters', 'a'.repeat(10_000)],
      ['101 emoji', FAMILY.repeat(101)],
      ['marks without end', `a${'\u0301\u0316'.repeat(1_000)}`],
    ])('refuses %s', async (_, q) => {
      const response = await search(q);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: 'validation_failed', errors: [{ pointer: '/q' }] });
    });

    it.each(['%ED%A0%BD', '%ff', '%'])(
      'answers the malformed percent encoding %s without a server error',
      async (q) => {
        const response = await fixture.anyone('GET', `/boards/${await fixture.makeBoard()}/posts?q=${q}`);
        expect([200, 400]).toContain(response.status);
      },
    );
  });

  it('a title in another normal form is the same request for an Idempotency-Key', async () => {
    const path = `/boards/${await fixture.makeBoard()}/posts`;
    const write = (form: 'NFC' | 'NFD') =>
      fixture.mina.call(
        'POST',
        path,
        { title: '봄날'.normalize(form), body: 'B' },
        { 'idempotency-key': 'one' },
      );
    const [first, second] = [await json(write('NFC')), await json(write('NFD'))];
    expect(second['id']).toBe(first['id']);
  });
});
