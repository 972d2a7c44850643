import { afterAll, beforeAll, describe } from '@jest/globals';
import { anonymous, signedIn, type Call, type SignedIn } from './actors.js';
import { startApp, type TestApp } from './app.js';
import { PostgresServer } from './postgres-server.js';
import { describeWith } from './programs.js';

/** What a suite about boards plays with. */
export interface Village {
  app: TestApp;
  anyone: Call;
  admin: SignedIn;
  mina: SignedIn;
  joon: SignedIn;
  /** A new board; its slug. */
  makeBoard(): Promise<string>;
  /** A new post by mina; its path. */
  writePost(slug: string, post?: { title?: string; body?: string }): Promise<string>;
}

/** Runs a suite in the embedded database, and on a PostgreSQL server. */
export function onEachDatabase(what: string, suite: (village: Village) => void): void {
  describe(`${what}, in the embedded database`, () => {
    const village = settle(async () => ({}));
    suite(village);
  });
  describeWith('postgres', `${what}, on a PostgreSQL server`, () => {
    let server: PostgresServer;
    const village = settle(async () => {
      server = await PostgresServer.start();
      return { DATABASE_URL: server.url };
    });
    afterAll(() => server.stop());
    suite(village);
  });
}

/** Only complete when the suite's tests run. */
function settle(environment: () => Promise<Record<string, string>>): Village {
  let made = 0;
  const village = {
    makeBoard: async () => {
      const slug = `board-${++made}`;
      await village.admin.call('POST', '/boards', { slug, title: 'A board' });
      return slug;
    },
    writePost: async (slug, post) => {
      const written = { title: 'T', body: 'B', ...post };
      const { headers } = await village.mina.call('POST', `/boards/${slug}/posts`, written);
      const path = headers.get('location');
      if (path === null) throw new Error('the post was not written');
      return path;
    },
  } as Village;
  beforeAll(async () => {
    const app = await startApp(await environment());
    const admin = await signedIn(app, { roles: ['user', 'admin'], nickname: 'admin' });
    const mina = await signedIn(app, { nickname: 'mina' });
    const joon = await signedIn(app, { nickname: 'joon' });
    Object.assign(village, { app, anyone: anonymous(app), admin, mina, joon });
  });
  afterAll(() => village.app.stop());
  return village;
}
