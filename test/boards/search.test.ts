import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { json, readAll } from '../support/fixtures/actors.js';
import { onEachDatabase } from '../support/fixtures/databases.js';

onEachDatabase('search', (fixture) => {
  const titles = async (slug: string, q: string, limit = 20) => {
    const path = `/boards/${slug}/posts?limit=${limit}&q=${encodeURIComponent(q)}`;
    return (await readAll<{ title: string }>(fixture.anyone, path)).map(({ title }) => title);
  };
  const boardWith = async (...posts: { title: string; body?: string }[]) => {
    const slug = await fixture.makeBoard();
    for (const post of posts) await fixture.writePost(slug, post);
    return slug;
  };

  describe('a search with matches', () => {
    it.each([
      ['two syllables inside a longer word', '우리집대문앞에서', '대문'],
      ['the end of a word', '안녕하세요', '세요'],
      ['a single syllable, wherever it stands', '우리집', '집'],
      ['a word with a Korean particle', '서울에서 만나요', '서울'],
      ['a Korean word beside an English one', 'NestJS로 만든 서버', 'nestjs'],
      ['an English word by its beginning', 'Authentication works', 'auth'],
      ['whatever the case', 'KaKao', 'kakao'],
      ['what is written in full width', 'ＡＢＣ상점', 'abc'],
      ['Korean that was typed in pieces', '한글'.normalize('NFD'), '한글'],
      ['a number', 'Node 20.19 is the floor', '20.19'],
      ['words in any order', 'the gate of a house', 'house gate'],
      ['both languages at once', '대문 Daemun is open', 'daemun 대문'],
      ['words around signs', "C++, it's (really) a_b", "it's a_b"],
      ['Chinese characters', '大門을 열다', '大門'],
      ['accents', 'Café crème', 'café'],
      ['a word that a heart hangs on', 'world❤️peace', 'peace'],
      ['a word that a face hangs on', 'hello😀world', 'world'],
    ])('finds %s', async (_, title, q) => {
      expect(await titles(await boardWith({ title }), q)).toEqual([title.normalize('NFC')]);
    });

    it('finds words of the body', async () => {
      const slug = await boardWith({ title: 'T', body: '어제 **호랑이**를 보았다' });
      expect(await titles(slug, '호랑이')).toEqual(['T']);
    });

    it('finds the current text of a changed post', async () => {
      const slug = await fixture.makeBoard();
      const path = await fixture.writePost(slug, { title: 'before' });
      await fixture.mina.call('PATCH', path, { title: 'after' });
      expect([await titles(slug, 'before'), await titles(slug, 'after')]).toEqual([[], ['after']]);
    });

    it('finds any two adjacent syllables of any Korean text', async () => {
      const slug = await fixture.makeBoard();
      const syllable = fc.integer({ min: 0xac00, max: 0xd7a3 }).map((code) => String.fromCodePoint(code));
      const word = fc.array(syllable, { minLength: 2, maxLength: 12 });
      await fc.assert(
        fc.asyncProperty(word, fc.nat(), async (syllables, n) => {
          const title = syllables.join('');
          await fixture.writePost(slug, { title });
          const at = n % (syllables.length - 1);
          expect(await titles(slug, syllables.slice(at, at + 2).join(''))).toContain(title);
        }),
        { numRuns: 25 },
      );
    });
  });

  describe('a search without matches', () => {
    it.each([
      ['the middle of an English word', 'Authentication', 'hent'],
      ['syllables that are no neighbours', '대한민국', '대민'],
      ['a post that lacks one of the words', 'gate', 'gate house'],
      ['anything by punctuation alone', 'really?!', '?!'],
    ])('does not find %s', async (_, title, q) => {
      expect(await titles(await boardWith({ title }), q)).toEqual([]);
    });

    it('does not find posts of other boards', async () => {
      await boardWith({ title: '고양이' });
      expect(await titles(await fixture.makeBoard(), '고양이')).toEqual([]);
    });

    it('fails for no query with a server error', async () => {
      const slug = await boardWith({ title: 'T' });
      await fc.assert(
        fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 100 }), async (q) => {
          fc.pre(!/\p{Cs}/u.test(q));
          const response = await fixture.anyone('GET', `/boards/${slug}/posts?q=${encodeURIComponent(q)}`);
          expect([200, 400]).toContain(response.status);
        }),
        {
          numRuns: 60,
          examples: [["'"], ['\\'], ["a' & 'b"], ['!:*()<->'], ['\0'], ['%'], ['a'.repeat(100)]],
        },
      );
    });

    it('refuses more than 100 characters', async () => {
      const response = await fixture.anyone(
        'GET',
        `/boards/${await fixture.makeBoard()}/posts?q=${'a'.repeat(101)}`,
      );
      expect(await response.json()).toMatchObject({ code: 'validation_failed', errors: [{ pointer: '/q' }] });
    });
  });

  describe('the cost of a search', () => {
    /** Each of these becomes up to six characters by NFKC. */
    const SQUARES = String.fromCodePoint(...Array.from({ length: 88 }, (_, i) => 0x3300 + i));
    const searched = async (q: string): Promise<string[]> => {
      const [{ words }] = await fixture.app.database.query<[{ words: string | null }]>(
        'SELECT board.search_terms(gen_random_uuid(), $1) AS words',
        [q],
      );
      return words?.split(' & ').slice(0, -1) ?? [];
    };

    it('is bounded by 12 words and 40 pairs for any query', async () => {
      const character = fc.oneof(
        fc.integer({ min: 0x3300, max: 0x33ff }).map((code) => String.fromCodePoint(code)),
        fc.constantFrom(' ', 'a', 'b', '가', '나', '\ufdfa', '①'),
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(character, { maxLength: 100 }), async (characters) => {
          fc.pre(!/[\0\p{Cs}]/u.test(characters.join('')));
          const terms = await searched(characters.join(''));
          const words = terms.filter((term) => term.endsWith(':*'));
          expect(words.length).toBeLessThanOrEqual(12);
          expect(terms.length - words.length).toBeLessThanOrEqual(40);
        }),
        { numRuns: 60, examples: [[[SQUARES]], [Array.from({ length: 100 }, (_, i) => `${i} `)]] },
      );
    });

    it('does not prevent a match by a complete long title', async () => {
      const title = Array.from({ length: 100 }, (_, i) => String.fromCodePoint(0xac00 + 28 * i)).join('');
      expect(await titles(await boardWith({ title }, { title: 'another' }), title)).toEqual([title]);
    });
  });

  it('a search sorts matches in the title first, and each group by age', async () => {
    const slug = await boardWith(
      { title: 'old title has tea' },
      { title: 'old body', body: 'tea' },
      { title: 'tea and a body', body: 'tea' },
      { title: 'nothing' },
      { title: 'new body', body: 'more tea' },
    );
    const ranked = ['tea and a body', 'old title has tea', 'new body', 'old body'];
    for (const limit of [1, 2, 3, 4, 5]) expect(await titles(slug, 'tea', limit)).toEqual(ranked);
  });

  it('a search paginates through all years from the newest post', async () => {
    const slug = await boardWith({ title: 'T' });
    // The embedded database on a busy machine exceeds the time limit of a statement with all posts.
    for (let first = 1; first <= 1_200; first += 200) {
      await fixture.app.database.query(
        `INSERT INTO board.posts (id, board_id, author_id, title, body, excerpt, created_at)
         SELECT gen_random_uuid(), b.id, gen_random_uuid(),
           CASE WHEN n > 600 AND n % 3 = 0 THEN '옛날이야기 ' ELSE '' END || 'day ' || n,
           CASE WHEN n > 600 AND n % 3 = 1 THEN '옛날이야기' ELSE 'B' END, '', now() - n * interval '12 days'
         FROM board.boards b, generate_series($2::int, $2::int + 199) AS n WHERE b.slug = $1`,
        [slug, first],
      );
    }
    const days = Array.from({ length: 600 }, (_, i) => i + 601);
    const [inTitle, inBody] = [0, 1].map((rest) => days.filter((n) => n % 3 === rest));
    const ranked = [...inTitle!.map((n) => `옛날이야기 day ${n}`), ...inBody!.map((n) => `day ${n}`)];
    expect(await titles(slug, '이야', 70)).toEqual(ranked);
    expect(await titles(slug, 'day', 100)).toEqual(await titles(slug, 'da', 30));
  });

  it('a search finds a rare word behind many posts without it', async () => {
    const slug = await boardWith({ title: 'needle, the oldest' }, { title: 'T', body: 'an old needle' });
    await fixture.app.database.query(
      `INSERT INTO board.posts (id, board_id, author_id, title, body, excerpt)
       SELECT gen_random_uuid(), b.id, gen_random_uuid(), 'hay', 'more hay', ''
       FROM board.boards b, generate_series(1, 600) WHERE b.slug = $1`,
      [slug],
    );
    expect(await titles(slug, 'needle', 1)).toEqual(['needle, the oldest', 'T']);
    const hay = await json<{ items: unknown[]; nextCursor: string | null }>(
      fixture.anyone('GET', `/boards/${slug}/posts?q=hay&limit=100`),
    );
    expect([hay.items.length, hay.nextCursor === null]).toEqual([100, false]);
  });
});
