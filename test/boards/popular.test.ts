import { expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { cursorOf } from '../../src/http/pagination.js';
import { json, readAll, signedIn, type SignedIn } from '../support/fixtures/actors.js';
import { onEachDatabase } from '../support/fixtures/databases.js';

/** An action on one of the posts. */
interface Happening {
  readonly person: SignedIn;
  readonly post: number;
  readonly what: 'PUT' | 'DELETE' | 'POST';
}

interface Shown {
  readonly id: string;
  readonly title: string;
}

onEachDatabase('popularity', (fixture) => {
  const popular = (slug: string, limit = 20) => `/boards/${slug}/posts?sort=popular&limit=${limit}`;
  const titlesOf = (posts: readonly Shown[]) => posts.map(({ title }) => title);
  const makeOlder = (path: string, days: number) =>
    fixture.app.database.query(
      `UPDATE board.post_counters SET created_at = created_at - $2 * interval '1 day' WHERE post_id = $1`,
      [path.slice('/posts/'.length), days],
    );

  it('popular posts are sorted by likes and comments', async () => {
    const slug = await fixture.makeBoard();
    await fixture.writePost(slug, { title: 'quiet' });
    const [liked, talkedAbout] = [
      await fixture.writePost(slug, { title: 'liked' }),
      await fixture.writePost(slug, { title: 'talked about' }),
    ];
    await fixture.joon.call('PUT', `${liked}/like`);
    await fixture.joon.call('POST', `${talkedAbout}/comments`, { body: 'one' });
    await fixture.mina.call('POST', `${talkedAbout}/comments`, { body: 'two' });
    const shown = await readAll<Shown>(fixture.anyone, popular(slug));
    expect(titlesOf(shown)).toEqual(['talked about', 'liked', 'quiet']);
  });

  it('popular posts favor new posts: doubled likes and comments outweigh one day', async () => {
    const slug = await fixture.makeBoard();
    const [old, older] = [
      await fixture.writePost(slug, { title: 'a day old, liked once' }),
      await fixture.writePost(slug, { title: 'two days old, liked once' }),
    ];
    for (const path of [old, older]) await fixture.joon.call('PUT', `${path}/like`);
    await makeOlder(older, 2);
    await makeOlder(old, 0.9);
    await fixture.writePost(slug, { title: 'new' });
    const shown = await readAll<Shown>(fixture.anyone, popular(slug));
    expect(titlesOf(shown)).toEqual(['a day old, liked once', 'new', 'two days old, liked once']);
  });

  it('popular posts appear once each and in place while a client paginates', async () => {
    const people: SignedIn[] = await Promise.all(Array.from({ length: 3 }, () => signedIn(fixture.app)));
    const person = fc.constantFrom(...people);
    const post = fc.nat({ max: 8 });
    const what = fc.constantFrom<Happening['what'][]>('PUT', 'DELETE', 'POST');
    const happening: fc.Arbitrary<Happening> = fc.record({ person, post, what });
    const happen = async (paths: readonly string[], happenings: readonly Happening[]) => {
      for (const { person, post, what } of happenings) {
        const path = paths[post % paths.length] ?? '';
        await (what === 'POST'
          ? person.call('POST', `${path}/comments`, { body: 'C' })
          : person.call(what, `${path}/like`));
      }
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(happening, { maxLength: 15 }),
        fc.infiniteStream(fc.array(happening, { maxLength: 6 })),
        fc.integer({ min: 1, max: 4 }),
        async (before, meanwhile, limit) => {
          const slug = await fixture.makeBoard();
          const paths: string[] = [];
          for (let n = 0; n < 9; n++) paths.push(await fixture.writePost(slug, { title: `post ${n}` }));
          await happen(paths, before);
          const atFirst = (await json<{ items: Shown[] }>(fixture.anyone('GET', popular(slug)))).items;
          const seen = await readAll<Shown>(fixture.anyone, popular(slug, limit), async () =>
            happen(paths, meanwhile.next().value ?? []),
          );
          expect(titlesOf(seen)).toEqual(titlesOf(atFirst));
        },
      ),
      { numRuns: 12 },
    );
  });

  it('popular posts come from a snapshot that contains an unlike but not its like', async () => {
    const slug = await fixture.makeBoard();
    const path = await fixture.writePost(slug);
    for (const method of ['PUT', 'DELETE']) await fixture.mina.call(method, `${path}/like`);
    const reactions = await fixture.app.database.query<{ board: string; xid: string }[]>(
      'SELECT board_id AS board, transaction_id::text AS xid FROM board.counter_changes WHERE post_id = $1 ORDER BY transaction_id',
      [path.slice('/posts/'.length)],
    );
    const [liked, unliked] = reactions.map(({ xid }) => xid);
    const snapshot = `${liked}:${BigInt(unliked ?? 0) + 1n}:${liked}`;
    const place = {
      popularity: Math.floor(Date.now() / 1_000) + 60,
      id: '019340e2-5c00-7000-8000-00000000da00',
      snapshot,
    };
    const cursor = cursorOf(`popular ${reactions[0]?.board}`, place);
    const answer = await fixture.anyone('GET', `${popular(slug)}&cursor=${cursor}`);
    expect([answer.status, (await json<{ items: unknown[] }>(answer)).items.length]).toEqual([200, 1]);
  });

  it.each([
    { popularity: 1, id: 'nonsense', snapshot: '1:1:' },
    { popularity: 1.5, id: '019340e2-5c00-7000-8000-00000000da00', snapshot: '1:1:' },
    { popularity: 1, id: '019340e2-5c00-7000-8000-00000000da00', snapshot: '2:1:' },
    { popularity: 1, id: '019340e2-5c00-7000-8000-00000000da00', snapshot: '1:3:2,2' },
    { popularity: 1, id: '019340e2-5c00-7000-8000-00000000da00', snapshot: '1:3:3' },
    { popularity: 1, id: '019340e2-5c00-7000-8000-00000000da00', snapshot: 'x' },
    { at: 1, id: '019340e2-5c00-7000-8000-00000000da00' },
  ])('popular posts refuse the cursor %j', async (place) => {
    const slug = await fixture.makeBoard();
    const [board] = await fixture.app.database.query<{ id: string }[]>(
      'SELECT id FROM board.boards WHERE slug = $1',
      [slug],
    );
    const cursor = cursorOf(`popular ${board?.id}`, place);
    const answer = fixture.anyone('GET', `${popular(slug)}&cursor=${cursor}`);
    expect(await json(answer)).toMatchObject({
      code: 'validation_failed',
      errors: [{ pointer: '/cursor' }],
    });
  });
});
