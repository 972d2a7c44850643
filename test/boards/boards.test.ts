import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { anonymous, failure, signedIn, type Call, type SignedIn } from '../support/fixtures/actors.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';

let app: TestApp;
let anyone: Call;
let admin: SignedIn;
let mina: SignedIn;
beforeAll(async () => {
  app = await startApp();
  anyone = anonymous(app);
  admin = await signedIn(app, { roles: ['user', 'admin'] });
  mina = await signedIn(app);
});
afterAll(() => app.stop());

let made = 0;
/** A separate board for each test. */
async function makeBoard(): Promise<string> {
  const slug = `board-${++made}`;
  const response = await admin.call('POST', '/boards', { slug, title: 'A board' });
  expect(response.status).toBe(201);
  return slug;
}

describe('reading boards', () => {
  it('returns one board to anonymous clients', async () => {
    await admin.call('POST', '/boards', { slug: 'tea', title: '차 이야기', description: 'All about\ntea' });
    const response = await anyone('GET', '/boards/tea');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      slug: 'tea',
      title: '차 이야기',
      description: 'All about\ntea',
      postCount: 0,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    });
  });

  it('lists each board exactly once, oldest first, with pagination', async () => {
    const slugs = [await makeBoard(), await makeBoard(), await makeBoard()];
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const page = (await (await anyone('GET', `/boards?limit=2${query}`)).json()) as {
        items: { slug: string }[];
        nextCursor: string | null;
      };
      expect(page.items.length).toBeLessThanOrEqual(2);
      seen.push(...page.items.map(({ slug }) => slug));
      cursor = page.nextCursor;
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.slice(-3)).toEqual(slugs);
  });

  it.each(['nowhere', 'Not-A-Slug', '%00', '-'])('answers 404 for the slug %s', async (slug) => {
    expect(await failure(anyone('GET', `/boards/${slug}`))).toEqual({ status: 404, code: 'board_not_found' });
  });
});

describe('creating a board', () => {
  it('returns its Location', async () => {
    const response = await admin.call('POST', '/boards', { slug: 'coffee', title: 'Coffee' });
    expect(response.status).toBe(201);
    expect(response.headers.get('location')).toBe('/boards/coffee');
    expect(await response.json()).toMatchObject({ slug: 'coffee', title: 'Coffee', description: '' });
  });

  it('requires the role admin to create a board', async () => {
    const body = { slug: 'mine', title: 'Mine' };
    expect(await failure(mina.call('POST', '/boards', body))).toEqual({ status: 403, code: 'forbidden' });
    expect(await failure(anyone('POST', '/boards', body))).toMatchObject({ code: 'access_token_missing' });
  });

  it('refuses a slug that is taken', async () => {
    const slug = await makeBoard();
    const again = admin.call('POST', '/boards', { slug, title: 'Again' });
    expect(await failure(again)).toEqual({ status: 409, code: 'slug_taken' });
  });

  it.each(['a', '0', 'a-b', 'free-board-2', 'a'.repeat(40)])('accepts the slug %s', async (slug) => {
    expect((await admin.call('POST', '/boards', { slug, title: 'T' })).status).toBe(201);
  });

  it.each([
    ['an empty slug', { slug: '' }, '/slug'],
    ['a slug that begins with a hyphen', { slug: '-a' }, '/slug'],
    ['a slug that ends with a hyphen', { slug: 'a-' }, '/slug'],
    ['two hyphens in a row', { slug: 'a--b' }, '/slug'],
    ['capital letters', { slug: 'Free' }, '/slug'],
    ['a slug with a line feed', { slug: 'free\n' }, '/slug'],
    ['a slug of 41 characters', { slug: 'a'.repeat(41) }, '/slug'],
    ['an empty title', { title: '  ' }, '/title'],
    ['a title of 61 characters', { title: 'a'.repeat(61) }, '/title'],
    ['a title with NUL', { title: 'a\0b' }, '/title'],
    ['a description of 501 characters', { description: 'a'.repeat(501) }, '/description'],
    ['an unknown member', { postCount: 3 }, ''],
  ])('refuses %s', async (_, wrong, pointer) => {
    const response = await admin.call('POST', '/boards', { slug: 'fine', title: 'Fine', ...wrong });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: 'validation_failed',
      errors: expect.arrayContaining([expect.objectContaining({ pointer })]),
    });
  });
});

describe('changing a board', () => {
  it('changes the given members and keeps the others', async () => {
    const slug = await makeBoard();
    const response = await admin.call('PATCH', `/boards/${slug}`, { description: 'New' });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ slug, title: 'A board', description: 'New' });
  });

  it('can change the slug, and the posts stay on the board', async () => {
    const slug = await makeBoard();
    const written = await mina.call('POST', `/boards/${slug}/posts`, { title: 'T', body: 'B' });
    await admin.call('PATCH', `/boards/${slug}`, { slug: `${slug}-moved` });
    expect((await anyone('GET', `/boards/${slug}`)).status).toBe(404);
    const moved = await anyone('GET', written.headers.get('location')!);
    expect(await moved.json()).toMatchObject({ board: `${slug}-moved` });
  });

  it('refuses the slug of another board', async () => {
    const [one, other] = [await makeBoard(), await makeBoard()];
    const response = admin.call('PATCH', `/boards/${one}`, { slug: other });
    expect(await failure(response)).toEqual({ status: 409, code: 'slug_taken' });
  });

  it('answers 404 for an unknown board with any new slug', async () => {
    const response = admin.call('PATCH', '/boards/nowhere', { slug: await makeBoard() });
    expect(await failure(response)).toEqual({ status: 404, code: 'board_not_found' });
  });

  it('requires the role admin to change a board', async () => {
    const response = mina.call('PATCH', `/boards/${await makeBoard()}`, { title: 'Mine' });
    expect(await failure(response)).toEqual({ status: 403, code: 'forbidden' });
  });

  it('refuses an empty change', async () => {
    const response = admin.call('PATCH', `/boards/${await makeBoard()}`, {});
    expect(await failure(response)).toEqual({ status: 400, code: 'validation_failed' });
  });
});

describe('deleting a board', () => {
  it('deletes an empty board', async () => {
    const slug = await makeBoard();
    expect((await admin.call('DELETE', `/boards/${slug}`)).status).toBe(204);
    expect((await anyone('GET', `/boards/${slug}`)).status).toBe(404);
  });

  it('refuses to delete a board with posts', async () => {
    const slug = await makeBoard();
    const written = await mina.call('POST', `/boards/${slug}/posts`, { title: 'T', body: 'B' });
    expect(await failure(admin.call('DELETE', `/boards/${slug}`))).toEqual({
      status: 409,
      code: 'board_not_empty',
    });
    await mina.call('DELETE', written.headers.get('location')!);
    expect((await admin.call('DELETE', `/boards/${slug}`)).status).toBe(204);
  });

  it('answers 404 for an unknown board', async () => {
    const response = admin.call('DELETE', '/boards/nowhere');
    expect(await failure(response)).toEqual({ status: 404, code: 'board_not_found' });
  });

  it('requires the role admin to delete a board', async () => {
    const response = mina.call('DELETE', `/boards/${await makeBoard()}`);
    expect(await failure(response)).toEqual({ status: 403, code: 'forbidden' });
  });
});
