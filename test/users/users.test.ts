import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Profile } from '../../src/users/profile.entity.js';
import { anonymous, signedIn, type Call } from '../support/fixtures/actors.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';

let app: TestApp;
let anyone: Call;
beforeAll(async () => {
  app = await startApp();
  anyone = anonymous(app);
});
afterAll(() => app.stop());

describe('the profile of the caller', () => {
  it('has all its members', async () => {
    const mina = await signedIn(app, { nickname: '미나' });
    const response = await mina.call('GET', '/users/me');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      id: mina.id,
      nickname: '미나',
      avatarUrl: null,
      bio: '',
      locale: 'ko',
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    });
  });

  it('requires a login', async () => {
    const response = await anyone('GET', '/users/me');
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ code: 'access_token_missing' });
  });

  it('answers 404 once it was deleted', async () => {
    const mina = await signedIn(app);
    await app.database.getRepository(Profile).delete({ id: mina.id });
    for (const response of [
      await mina.call('GET', '/users/me'),
      await mina.call('PATCH', '/users/me', { bio: 'x' }),
    ]) {
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ code: 'user_not_found' });
    }
  });

  it('changes the given members and keeps the others', async () => {
    const mina = await signedIn(app);
    const response = await mina.call('PATCH', '/users/me', { nickname: '  미나 리 ', locale: 'en' });
    expect(response.status).toBe(200);
    const changed = await response.json();
    expect(changed).toMatchObject({ nickname: '미나 리', locale: 'en', bio: '', avatarUrl: null });
    expect(await (await mina.call('GET', '/users/me')).json()).toEqual(changed);
  });

  it('leaves other profiles unchanged on PATCH', async () => {
    const [mina, joon] = [await signedIn(app), await signedIn(app, { nickname: 'joon' })];
    await mina.call('PATCH', '/users/me', { nickname: 'minari' });
    expect(await (await joon.call('GET', '/users/me')).json()).toMatchObject({ nickname: 'joon' });
  });

  it('sets and removes an avatar', async () => {
    const mina = await signedIn(app);
    const avatarUrl = 'https://images.example/m.png';
    expect(await (await mina.call('PATCH', '/users/me', { avatarUrl })).json()).toMatchObject({ avatarUrl });
    expect(await (await mina.call('PATCH', '/users/me', { avatarUrl: null })).json()).toMatchObject({
      avatarUrl: null,
    });
  });

  it.each([
    ['a nickname of one character', { nickname: ' a ' }, '/nickname'],
    ['a nickname of 21 characters', { nickname: 'a'.repeat(21) }, '/nickname'],
    ['an invisible nickname', { nickname: '\u3164\u3164' }, '/nickname'],
    ['a nickname on two lines', { nickname: 'mi\nna' }, '/nickname'],
    ['a nickname with a text direction override', { nickname: 'mina\u202e' }, '/nickname'],
    ['a nickname that is null', { nickname: null }, '/nickname'],
    ['an avatar over plain http', { avatarUrl: 'http://images.example/m.png' }, '/avatarUrl'],
    ['an avatar that is a script', { avatarUrl: 'javascript:alert(1)' }, '/avatarUrl'],
    ['a bio of 301 characters', { bio: 'a'.repeat(301) }, '/bio'],
    ['a bio with NUL', { bio: 'a\0b' }, '/bio'],
    ['a bio with half a surrogate pair', { bio: 'a\ud83d' }, '/bio'],
    ['another locale', { locale: 'fr' }, '/locale'],
    ['an unknown member beside a known one', { bio: 'x', roles: ['admin'] }, ''],
    ['no change at all', {}, ''],
  ])('refuses %s', async (_, body, pointer) => {
    const mina = await signedIn(app);
    const response = await mina.call('PATCH', '/users/me', body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: 'validation_failed',
      errors: expect.arrayContaining([expect.objectContaining({ pointer })]),
    });
  });

  it.each([
    ['20 emoji as nickname', { nickname: '🚪'.repeat(20) }],
    ['300 characters as bio', { bio: '문'.repeat(299) + '\n' }],
  ])('accepts %s', async (_, body) => {
    const mina = await signedIn(app);
    const response = await mina.call('PATCH', '/users/me', body);
    expect(await response.json()).toMatchObject(body);
  });
});

describe('a public profile', () => {
  it('contains only the public members, for every client', async () => {
    const mina = await signedIn(app);
    await mina.call('PATCH', '/users/me', { bio: '안녕하세요' });
    const response = await anyone('GET', `/users/${mina.id}`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      id: mina.id,
      nickname: 'mina',
      avatarUrl: null,
      bio: '안녕하세요',
    });
  });

  it.each([
    ['an unknown id', randomUUID()],
    ['a malformed id', 'nobody'],
    ['NUL', '%00'],
  ])('answers 404 for %s', async (_, id) => {
    const response = await anyone('GET', `/users/${id}`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: 'user_not_found' });
  });
});
