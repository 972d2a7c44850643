import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { BoardRetention } from '../../src/boards/board-retention.js';
import { failure, json, signedIn } from '../support/fixtures/actors.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';
import { onEachDatabase } from '../support/fixtures/databases.js';
import { startDatabase } from '../support/fixtures/shared-database.js';
import { describeWith } from '../support/programs.js';

onEachDatabase('idempotency', (fixture) => {
  const keyed = (key: string) => ({ 'idempotency-key': key });
  const post = (slug: string, key: string, title = 'T', user = fixture.mina) =>
    user.call('POST', `/boards/${slug}/posts`, { title, body: 'B' }, keyed(key));
  const countOf = async (slug: string) =>
    (await json<{ postCount: number }>(fixture.anyone('GET', `/boards/${slug}`))).postCount;

  it('an Idempotency-Key writes a post once, and repeats the first response', async () => {
    const [slug, key] = [await fixture.makeBoard(), randomUUID()];
    const first = await post(slug, key);
    const path = first.headers.get('location')!;
    await fixture.mina.call('PATCH', path, { title: 'Changed meanwhile' });
    const again = await post(slug, key);
    expect(again.status).toBe(201);
    expect(again.headers.get('location')).toBe(path);
    expect(again.headers.get('etag')).toBe(first.headers.get('etag'));
    expect(await again.json()).toEqual(await first.json());
    expect(await countOf(slug)).toBe(1);
  });

  it('an Idempotency-Key repeats the first response after the deletion of the post', async () => {
    const [slug, key] = [await fixture.makeBoard(), randomUUID()];
    const path = (await post(slug, key)).headers.get('location')!;
    await fixture.mina.call('DELETE', path);
    expect((await post(slug, key)).headers.get('location')).toBe(path);
    expect(await countOf(slug)).toBe(0);
  });

  it('an Idempotency-Key repeats the first response after a change of the board', async () => {
    const [slug, key] = [await fixture.makeBoard(), randomUUID()];
    const path = (await post(slug, key)).headers.get('location')!;
    await fixture.admin.call('PATCH', `/boards/${slug}`, { slug: `${slug}-renamed` });
    expect((await post(slug, key)).headers.get('location')).toBe(path);
    await fixture.admin.call('DELETE', path);
    await fixture.admin.call('DELETE', `/boards/${slug}-renamed`);
    expect((await post(slug, key)).headers.get('location')).toBe(path);
  });

  it('an Idempotency-Key writes a comment once', async () => {
    const [path, key] = [await fixture.writePost(await fixture.makeBoard()), randomUUID()];
    const comment = () => fixture.joon.call('POST', `${path}/comments`, { body: 'C' }, keyed(key));
    const [first, again] = [await json(comment()), await json(comment())];
    expect(again).toEqual(first);
    expect(await json(fixture.anyone('GET', path))).toMatchObject({ commentCount: 1 });
  });

  it('an Idempotency-Key writes once under parallel retries', async () => {
    const [slug, key] = [await fixture.makeBoard(), randomUUID()];
    const answers = await Promise.all(Array.from({ length: 10 }, () => post(slug, key)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ headers }) => headers.get('location'))).size).toBe(1);
    expect(await countOf(slug)).toBe(1);
  });

  it('an Idempotency-Key is refused with a different request', async () => {
    const [slug, key] = [await fixture.makeBoard(), randomUUID()];
    await post(slug, key);
    expect(await failure(post(slug, key, 'Another'))).toEqual({
      status: 422,
      code: 'idempotency_key_reused',
    });
    expect(await countOf(slug)).toBe(1);
  });

  it('an Idempotency-Key has no effect on requests of another user', async () => {
    const [slug, key] = [await fixture.makeBoard(), randomUUID()];
    await post(slug, key);
    expect((await post(slug, key, 'T', fixture.joon)).status).toBe(201);
    expect(await countOf(slug)).toBe(2);
  });

  it('an Idempotency-Key is not consumed by a failed call', async () => {
    const key = randomUUID();
    expect((await post('nowhere', key)).status).toBe(404);
    expect((await post(await fixture.makeBoard(), key, ' ')).status).toBe(400);
    expect((await post(await fixture.makeBoard(), key)).status).toBe(201);
  });

  it('an Idempotency-Key can be reused after a day, and is deleted then', async () => {
    const [slug, key] = [await fixture.makeBoard(), randomUUID()];
    const { database } = fixture.app;
    await database.query('DELETE FROM board.idempotency_keys');
    await post(slug, key);
    await post(slug, `another-${key}`);
    await database.query("UPDATE board.idempotency_keys SET created_at = now() - interval '25 hours'");
    expect((await post(slug, key, 'Another')).status).toBe(201);
    await fixture.app.daemun.app.get(BoardRetention, { strict: false }).run();
    expect(await database.query('SELECT key FROM board.idempotency_keys')).toEqual([{ key }]);
  });

  it.each(['', 'a'.repeat(201), 'a b'])('an Idempotency-Key is refused when it is %j', async (key) => {
    const response = await post(await fixture.makeBoard(), key);
    expect(await response.json()).toMatchObject({
      code: 'validation_failed',
      errors: [{ pointer: '/Idempotency-Key' }],
    });
  });
});

describeWith('postgres', 'two processes with one Idempotency-Key', () => {
  let server: Awaited<ReturnType<typeof startDatabase>>;
  let apps: TestApp[] = [];
  beforeAll(async () => {
    server = await startDatabase();
    const env = { DATABASE_URL: server.url, AUTH_SECRET: randomBytes(32).toString('base64') };
    const first = await startApp(env);
    apps = [first, await startApp({ ...env, PUBLIC_URL: first.url })];
  });
  afterAll(async () => {
    await Promise.all(apps.map((app) => app.stop()));
    await server.stop();
  });

  it('write a post once (idempotency)', async () => {
    const [first, second] = apps;
    const admin = await signedIn(first!, { roles: ['user', 'admin'] });
    await admin.call('POST', '/boards', { slug: 'tea', title: 'Tea' });
    const key = { 'idempotency-key': randomUUID() };
    const ways = [admin.call, admin.through(second!)];
    const answers = await Promise.all(
      [0, 1, 0, 1, 0, 1].map((n) => ways[n]!('POST', '/boards/tea/posts', { title: 'T', body: 'B' }, key)),
    );
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201, 201]);
    expect(new Set(answers.map(({ headers }) => headers.get('location'))).size).toBe(1);
  });
});
