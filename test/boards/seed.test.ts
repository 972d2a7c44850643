import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
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
beforeEach(async () => {
  dataDir = await makeMigratedDataDir();
});
afterEach(() => rmSync(dataDir, { recursive: true }));

/** Starts Daemun on the data of this test, and stops it after the visit. */
async function visit(look: (app: TestApp) => Promise<void>, env: Record<string, string> = {}): Promise<void> {
  const app = await startApp({ DATA_DIR: dataDir, DATABASE_URL: '', ...env });
  try {
    await look(app);
  } finally {
    await app.stop();
  }
}

async function list(app: TestApp, path: string): Promise<List> {
  return (await (await anonymous(app)('GET', path)).json()) as List;
}

describe('the sample posts', () => {
  it('exist at the first start, by an author with a profile', () =>
    visit(async (app) => {
      const boards = await list(app, '/boards');
      expect(boards.items.map(({ slug }) => slug)).toEqual(['notice', 'free']);
      for (const { slug, postCount } of boards.items) {
        const { items } = await list(app, `/boards/${slug}/posts`);
        expect(items).toHaveLength(postCount);
        for (const { author } of items) {
          expect(author.nickname).toBe('대문지기');
          expect((await anonymous(app)('GET', `/users/${author.id}`)).status).toBe(200);
        }
      }
    }));

  it('have the invitation to write on top', () =>
    visit(async (app) => {
      const { items } = await list(app, '/boards/free/posts');
      expect(items[0]?.title).toBe('여기에 첫 글을 남겨 보세요');
    }));

  it('are not written twice', async () => {
    let count = 0;
    await visit(async ({ database }) => {
      count = await database.getRepository(Post).count();
      expect(count).toBeGreaterThan(0);
    });
    await visit(async ({ database }) => expect(await database.getRepository(Post).count()).toBe(count));
  });

  it('are not restored after their deletion', async () => {
    await visit(async ({ database }) => {
      await database.query('DELETE FROM board.posts');
      await database.query('DELETE FROM board.boards');
    });
    await visit(async ({ database }) => expect(await database.getRepository(Board).count()).toBe(0));
  });

  it('are not written in production', () =>
    visit(async ({ database }) => expect(await database.getRepository(Board).count()).toBe(0), {
      NODE_ENV: 'production',
      PUBLIC_URL: 'https://api.example.com',
      AUTH_SECRET: randomBytes(32).toString('base64'),
      TRUST_PROXY: 'none',
    }));

  it('are not written to a database that may be shared', async () => {
    const server = await EmbeddedPostgres.open(dataDir);
    try {
      const DATABASE_URL = `postgres://postgres@localhost/postgres?host=${encodeURIComponent(server.socketDir)}`;
      await visit(async ({ database }) => expect(await database.getRepository(Board).count()).toBe(0), {
        DATABASE_URL,
      });
    } finally {
      await server.close();
    }
  });
});
