import { expect, it } from '@jest/globals';
import pg from 'pg';
import { json, signedIn } from '../support/fixtures/actors.js';
import { startApp } from '../support/fixtures/app.js';
import { onEachDatabase } from '../support/fixtures/databases.js';
import { startDatabase } from '../support/fixtures/shared-database.js';
import { describeWith } from '../support/programs.js';
import { until } from '../support/until.js';

/** Races between requests of several users. */
onEachDatabase('under concurrent requests', (fixture) => {
  const makeBoard = () => fixture.makeBoard();
  const write = (slug: string) =>
    fixture.mina.call('POST', `/boards/${slug}/posts`, { title: 'T', body: 'B' });

  async function postCount(slug: string): Promise<number> {
    const board = await fixture.anyone('GET', `/boards/${slug}`);
    return ((await board.json()) as { postCount: number }).postCount;
  }

  /** Counts the statuses of parallel calls. */
  async function statuses(calls: readonly Promise<Response>[]): Promise<Record<number, number>> {
    const counts: Record<number, number> = {};
    for (const { status } of await Promise.all(calls)) counts[status] = (counts[status] ?? 0) + 1;
    return counts;
  }

  it('boards give a slug to only one of several parallel creators', async () => {
    const body = { slug: 'contested', title: 'Contested' };
    const calls = Array.from({ length: 8 }, () => fixture.admin.call('POST', '/boards', body));
    expect(await statuses(calls)).toEqual({ 201: 1, 409: 7 });
  });

  it('boards keep exact post counts under parallel writes and deletions', async () => {
    const slug = await makeBoard();
    const written = await Promise.all(Array.from({ length: 20 }, () => write(slug)));
    expect(await postCount(slug)).toBe(20);
    const doomed = written.slice(0, 8).map(({ headers }) => headers.get('location')!);
    const deletions = [...doomed, ...doomed].map((path) => fixture.mina.call('DELETE', path));
    const more = Array.from({ length: 10 }, () => write(slug));
    expect(await statuses([...deletions, ...more])).toEqual({ 201: 10, 204: 8, 404: 8 });
    expect(await postCount(slug)).toBe(22);
  });

  /**
   * Sends more likes of one account than the write queue holds, for a post whose row is locked, until the first
   * response. `unlock` releases the row.
   */
  async function fillWrites(path: string) {
    const runner = fixture.app.database.createQueryRunner();
    await runner.startTransaction();
    await runner.query('SELECT FROM board.posts WHERE id = $1 FOR UPDATE', [path.split('/').at(-1)]);
    const flood = Array.from({ length: 300 }, () => fixture.mina.call('PUT', `${path}/like`));
    const first = await Promise.race(flood);
    const unlock = async () => {
      await runner.rollbackTransaction();
      await runner.release();
    };
    return { first, flood, unlock };
  }

  it('likes beyond the write queue of an account are refused (bulkhead)', async () => {
    const path = await fixture.writePost(await makeBoard());
    const { first, flood, unlock } = await fillWrites(path);
    await unlock();
    expect([first.status, Number(first.headers.get('retry-after')) > 0]).toEqual([503, true]);
    await Promise.all(flood);
    expect((await fixture.mina.call('PUT', `${path}/like`)).status).toBe(200);
  });

  it('a write of an idle account succeeds while another fills the queue (bulkhead)', async () => {
    const path = await fixture.writePost(await makeBoard());
    const { first, flood, unlock } = await fillWrites(path);
    const other = fixture.joon.call('PUT', `${path}/like`);
    await unlock();
    expect([first.status, (await other).status]).toEqual([503, 200]);
    await Promise.all(flood);
  });

  it('a board is either deleted or gets another post, never both', async () => {
    for (let round = 0; round < 5; round++) {
      const slug = await makeBoard();
      const [written, deleted] = await Promise.all([
        write(slug),
        fixture.admin.call('DELETE', `/boards/${slug}`),
      ]);
      expect([
        [201, 409],
        [404, 204],
      ]).toContainEqual([written.status, deleted.status]);
    }
  });

  it('a post accepts one of several parallel changes with the same ETag', async () => {
    const path = (await write(await makeBoard())).headers.get('location')!;
    const headers = { 'if-match': (await fixture.anyone('GET', path)).headers.get('etag')! };
    const calls = Array.from({ length: 6 }, (_, n) =>
      fixture.mina.call('PATCH', path, { title: `New ${n}` }, headers),
    );
    expect(await statuses(calls)).toEqual({ 200: 1, 412: 5 });
  });

  it('a post answers each of several parallel changes with its own result', async () => {
    const path = await fixture.writePost(await makeBoard());
    const titles = Array.from({ length: 8 }, (_, n) => `by ${n}`);
    const answers = titles.map((title) =>
      json<{ title: string }>(fixture.mina.call('PATCH', path, { title })),
    );
    expect((await Promise.all(answers)).map(({ title }) => title)).toEqual(titles);
  });

  it('a post keeps exact like counts under parallel and repeated likes', async () => {
    const path = await fixture.writePost(await makeBoard());
    const people = await Promise.all(Array.from({ length: 8 }, () => signedIn(fixture.app)));
    const calls = people.flatMap((person, n) => [
      person.call('PUT', `${path}/like`),
      person.call('PUT', `${path}/like`),
      ...(n % 2 === 0 ? [person.call('DELETE', `${path}/like`)] : []),
    ]);
    expect(await statuses(calls)).toEqual({ 200: 20 });
    const liked = await Promise.all(
      people.map(async (person) => (await json<{ likedByMe: boolean }>(person.call('GET', path))).likedByMe),
    );
    const { likeCount } = await json<{ likeCount: number }>(fixture.anyone('GET', path));
    expect(likeCount).toBe(liked.filter(Boolean).length);
  });

  it('a post keeps exact comment counts under parallel writes and deletions', async () => {
    const path = await fixture.writePost(await makeBoard());
    const comment = () => fixture.joon.call('POST', `${path}/comments`, { body: 'C' });
    const written = await Promise.all(Array.from({ length: 12 }, comment));
    const ids = await Promise.all(written.map(async (answer) => (await json<{ id: string }>(answer)).id));
    const doomed = ids.slice(0, 5).flatMap((id) => [id, id]);
    const calls = [
      ...doomed.map((id) => fixture.joon.call('DELETE', `/comments/${id}`)),
      ...Array.from({ length: 4 }, comment),
    ];
    expect(await statuses(calls)).toEqual({ 201: 4, 204: 5, 404: 5 });
    expect(await json(fixture.anyone('GET', path))).toMatchObject({ commentCount: 11 });
  });

  it('a post that is deleted while it gets comments and likes causes no 500', async () => {
    for (let round = 0; round < 12; round++) {
      const path = await fixture.writePost(await makeBoard());
      const { id } = await json<{ id: string }>(fixture.joon.call('POST', `${path}/comments`, { body: 'C' }));
      await fixture.joon.call('PUT', `${path}/like`);
      const [deleted, ...others] = await Promise.all([
        fixture.mina.call('DELETE', path),
        fixture.joon.call('DELETE', `${path}/like`),
        fixture.joon.call('DELETE', `/comments/${id}`),
        fixture.joon.call('POST', `${path}/comments`, { body: 'C' }),
        fixture.mina.call('PUT', `${path}/like`),
      ]);
      expect(deleted?.status).toBe(204);
      expect(others.map(({ status }) => (status === 404 ? 'gone' : Math.floor(status / 100)))).toEqual(
        others.map(({ status }) => (status === 404 ? 'gone' : 2)),
      );
    }
  });
});

describeWith('postgres', 'boards with DATABASE_POOL=4', () => {
  it('leave a connection for other requests under writes and searches', async () => {
    const server = await startDatabase();
    const app = await startApp({ DATABASE_URL: server.url, DATABASE_POOL: '4' });
    try {
      const { call } = await signedIn(app, { roles: ['user', 'admin'] });
      await call('POST', '/boards', { slug: 'tea', title: 'Tea' });
      const posts = [1, 2].map(() => call('POST', '/boards/tea/posts', { title: 'T', body: 'B' }));
      const [post] = await Promise.all(posts);
      const path = post?.headers.get('location');
      const popular = '/boards/tea/posts?limit=1&sort=popular';
      const { nextCursor } = await json<{ nextCursor: string }>(call('GET', popular));
      const [lock, watch] = [new pg.Client(server.url), new pg.Client(server.url)];
      await Promise.all([lock.connect(), watch.connect()]);
      await lock.query('BEGIN; LOCK TABLE board.post_counters IN ACCESS EXCLUSIVE MODE');
      const searches = [1, 2].map(() => call('GET', '/boards/tea/posts?q=t'));
      const others = [1, 2].flatMap(() => [
        call('PUT', `${path}/like`),
        call('GET', `${popular}&cursor=${nextCursor}`),
      ]);
      await until(async () => {
        const { rowCount } = await watch.query(
          "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
        );
        return (rowCount ?? 0) > 2;
      });
      const first = await Promise.race([call('GET', '/boards'), ...others]);
      expect([first.status, first.url]).toEqual([200, `${app.url}/boards`]);
      await Promise.all([lock.end(), watch.end()]);
      await Promise.all([...searches, ...others]);
    } finally {
      await app.stop();
      await server.stop();
    }
  });
});
