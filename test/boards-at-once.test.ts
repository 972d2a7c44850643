import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { anonymous, signedIn, type SignedIn } from './support/actors.js';
import { startApp, type TestApp } from './support/app.js';
import { PostgresServer } from './support/postgres-server.js';
import { describeWith } from './support/programs.js';

describe('boards, in the embedded database', () => {
  keepTheirPromisesAtOnce(async () => ({}));
});

describeWith('postgres', 'boards, on a PostgreSQL server', () => {
  let server: PostgresServer;
  keepTheirPromisesAtOnce(async () => {
    server = await PostgresServer.start();
    return { DATABASE_URL: server.url };
  });
  afterAll(() => server.stop());
});

/** What must hold when many people do things in the same moment. */
function keepTheirPromisesAtOnce(environment: () => Promise<Record<string, string>>): void {
  let app: TestApp;
  let admin: SignedIn;
  let mina: SignedIn;
  beforeAll(async () => {
    app = await startApp(await environment());
    admin = await signedIn(app, { roles: ['user', 'admin'] });
    mina = await signedIn(app);
  });
  afterAll(() => app.stop());

  let made = 0;
  async function makeBoard(): Promise<string> {
    const slug = `board-${++made}`;
    await admin.call('POST', '/boards', { slug, title: 'A board' });
    return slug;
  }

  const write = (slug: string) => mina.call('POST', `/boards/${slug}/posts`, { title: 'T', body: 'B' });

  async function postCount(slug: string): Promise<number> {
    const board = await anonymous(app)('GET', `/boards/${slug}`);
    return ((await board.json()) as { postCount: number }).postCount;
  }

  /** How often each status was answered to calls that were under way together. */
  async function statuses(calls: readonly Promise<Response>[]): Promise<Record<number, number>> {
    const counts: Record<number, number> = {};
    for (const { status } of await Promise.all(calls)) counts[status] = (counts[status] ?? 0) + 1;
    return counts;
  }

  it('give a slug to one of those who ask for it', async () => {
    const body = { slug: 'contested', title: 'Contested' };
    const calls = Array.from({ length: 8 }, () => admin.call('POST', '/boards', body));
    expect(await statuses(calls)).toEqual({ 201: 1, 409: 7 });
  });

  it('count their posts exactly while many write and delete', async () => {
    const slug = await makeBoard();
    const written = await Promise.all(Array.from({ length: 20 }, () => write(slug)));
    expect(await postCount(slug)).toBe(20);
    const doomed = written.slice(0, 8).map(({ headers }) => headers.get('location')!);
    const deletions = [...doomed, ...doomed].map((path) => mina.call('DELETE', path));
    const more = Array.from({ length: 10 }, () => write(slug));
    expect(await statuses([...deletions, ...more])).toEqual({ 201: 10, 204: 8, 404: 8 });
    expect(await postCount(slug)).toBe(22);
  });

  it('are deleted, or get another post, but not both', async () => {
    for (let round = 0; round < 5; round++) {
      const slug = await makeBoard();
      const [written, deleted] = await Promise.all([write(slug), admin.call('DELETE', `/boards/${slug}`)]);
      expect([
        [201, 409],
        [404, 204],
      ]).toContainEqual([written.status, deleted.status]);
    }
  });

  it('let one of several changes to the same version of a post through', async () => {
    const path = (await write(await makeBoard())).headers.get('location')!;
    const headers = { 'if-match': (await anonymous(app)('GET', path)).headers.get('etag')! };
    const calls = Array.from({ length: 6 }, (_, n) =>
      mina.call('PATCH', path, { title: `New ${n}` }, headers),
    );
    expect(await statuses(calls)).toEqual({ 200: 1, 412: 5 });
  });
}
