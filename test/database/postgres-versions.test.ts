import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { signedIn, json } from '../support/fixtures/actors.js';
import { startApp } from '../support/fixtures/app.js';
import { PostgresServer } from '../support/servers/postgres-server.js';

/**
 * A folder with PostgreSQL servers of several versions, one folder each (`14`, `16`, …) with `bin/`. `.ci/run`
 * builds it from npm packages, because Debian has only one version.
 */
const SERVERS = process.env['TEST_POSTGRES_VERSIONS'];
const versions = SERVERS === undefined || !existsSync(SERVERS) ? [] : readdirSync(SERVERS).toSorted();

if (versions.length === 0) {
  const missing =
    'PostgreSQL 14 to 18 (needs scripts/postgres-versions.sh, and its folder in TEST_POSTGRES_VERSIONS)';
  if (process.env['CI'] === 'true') throw new Error(missing);
  describe.skip(missing, () => {
    it('is not installed', () => {});
  });
} else {
  it('are five versions', () => expect(versions).toEqual(['14', '15', '16', '17', '18']));

  describe.each(versions)('PostgreSQL %s', (version) => {
    it('runs the migrations, sessions, posts and searches', async () => {
      const server = await PostgresServer.start({ bin: join(SERVERS ?? '', version, 'bin') });
      const app = await startApp({ DATABASE_URL: server.url });
      const admin = await signedIn(app, { roles: ['user', 'admin'] });
      await admin.call('POST', '/boards', { slug: 'here', title: 'Here' });
      const made = await admin.call('POST', '/boards/here/posts', { title: '봄날의 대문', body: '한글' });
      const post = made.headers.get('location') ?? '';
      await admin.call('PUT', `${post}/like`);
      await admin.call('POST', `${post}/comments`, { body: 'first' });
      const found = await json<{ items: unknown[] }>(admin.call('GET', '/boards/here/posts?q=봄날'));
      const popular = await json<{ items: unknown[] }>(admin.call('GET', '/boards/here/posts?sort=popular'));
      expect([found.items.length, popular.items.length]).toEqual([1, 1]);
      expect((await fetch(`${app.url}/health/ready`)).status).toBe(200);
      const [{ major } = {}] = await server.sql(
        "SELECT current_setting('server_version_num')::int / 10000 AS major",
      );
      expect(major).toBe(Number(version));
      await app.stop();
      await server.stop();
    });
  });
}
