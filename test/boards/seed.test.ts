import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { rmSync } from 'node:fs';
import { Board } from '../../src/boards/board.entity.js';
import { Post } from '../../src/boards/post.entity.js';
import { EmbeddedPostgres } from '../../src/database/embedded-postgres.js';
import { anonymous } from '../support/fixtures/actors.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';
import { makeMigratedDataDir } from '../support/fixtures/data-dir.js';

interface List {
  readonly items: readonly {
    readonly slug: string;
    readonly postCount: number;
    readonly title: string;
    readonly author: { readonly id: string; readonly nickname: string };
  }[];
}

let dataDir: string;
let app: TestApp;

/** Starts Daemun on the data folder of the tests. */
async function start(env: Record<string, string> = {}): Promise<void> {
  app = await startApp({ DATA_DIR: dataDir, DATABASE_URL: '', ...env });
}
const posts = () => app.database.getRepository(Post).count();
const boards = () => app.database.getRepository(Board).count();

async function list(path: string): Promise<List> {
  return (await (await anonymous(app)('GET', path)).json()) as List;
}

describe('the sample posts', () => {
  describe('of one data folder', () => {
    beforeAll(async () => {
      dataDir = await makeMigratedDataDir();
      await start();
    });
    afterAll(async () => {
      await app.stop();
      rmSync(dataDir, { recursive: true });
    });

    it('exist at the first start, by an author with a profile', async () => {
      const { items: all } = await list('/boards');
      expect(all.map(({ slug }) => slug)).toEqual(['notice', 'free']);
      for (const { slug, postCount } of all) {
        const { items } = await list(`/boards/${slug}/posts`);
        expect(items).toHaveLength(postCount);
        for (const { author } of items) {
          expect(author.nickname).toBe('대문지기');
          expect((await anonymous(app)('GET', `/users/${author.id}`)).status).toBe(200);
        }
      }
    });

    it('have the invitation to write on top', async () => {
      const { items } = await list('/boards/free/posts');
      expect(items[0]?.title).toBe('여기에 첫 글을 남겨 보세요');
    });

    it('are not written twice', async () => {
      const count = await posts();
      expect(count).toBeGreaterThan(0);
      await app.stop();
      await start();
      expect(await posts()).toBe(count);
    });

    it('are not restored after their deletion', async () => {
      await app.database.query('DELETE FROM board.posts');
      await app.database.query('DELETE FROM board.boards');
      await app.stop();
      await start();
      expect(await boards()).toBe(0);
    });
  });

  describe('of a new data folder', () => {
    beforeEach(async () => {
      dataDir = await makeMigratedDataDir();
    });
    afterEach(() => rmSync(dataDir, { recursive: true }));

    it('are not written in production', async () => {
      await start({
        NODE_ENV: 'production',
        PUBLIC_URL: 'https://api.example.com',
        AUTH_SECRET: randomBytes(32).toString('base64'),
        TRUST_PROXY: 'none',
      });
      expect(await boards()).toBe(0);
      await app.stop();
    });

    it('are not written to a database that may be shared', async () => {
      const server = await EmbeddedPostgres.open(dataDir);
      try {
        const DATABASE_URL = `postgres://postgres@localhost/postgres?host=${encodeURIComponent(server.socketDir)}`;
        await start({ DATABASE_URL });
        expect(await boards()).toBe(0);
        await app.stop();
      } finally {
        await server.close();
      }
    });
  });
});
