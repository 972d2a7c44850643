import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { kakaoUnlinkNotice, naverUnlinkNotice, type WebhookRequest } from '../../../sandbox/webhooks.js';
import { Outbox } from '../../../src/outbox/outbox.js';
import { SocialAccounts } from '../../../src/auth/social/social-accounts.js';
import { Browser, loginErrorOf } from '../../support/fixtures/browser.js';
import { insiders, type Person } from '../../support/fixtures/insiders.js';
import { Mailbox } from '../../support/servers/mailbox.js';
import { post, verifiedPerson } from '../../support/fixtures/people.js';
import { startSocialApp, type SocialApp } from '../../support/fixtures/social.js';

const GMAIL = 'sandbox-mina@gmail.com';
const SCOPES = { KAKAO_SCOPE: 'profile_nickname profile_image account_email', KAKAO_APP_ID: '123456' };

let mailbox: Mailbox;
let app: SocialApp;
beforeAll(async () => {
  mailbox = await Mailbox.open();
  app = await startSocialApp({ MAIL_URL: mailbox.url, ...SCOPES });
});
afterAll(async () => {
  await app.stop();
  await mailbox.close();
});

const { logIn, logInWithPassword, call, beginLink, link } = insiders(() => app);
const providersOf = async (who: Person) =>
  (await call(who, 'GET', '/auth/identities')).body.identities.map(({ provider }) => provider);
const deliver = (on = app) => on.daemun.app.get(Outbox, { strict: false }).run();
/** Delivers the outbox. Returns the number of requests that the endpoint has received. */
async function seen(endpoint: string, provider: string): Promise<number> {
  await deliver();
  return app.sandbox.requests().filter((each) => each.endpoint === endpoint && each.provider === provider)
    .length;
}
/** Releases the address for the next test. Unlinks first, so that Google forgets its consent and gives a refresh token again. */
const forgetEveryone = async () => {
  await deliver();
  await app.database.query('DELETE FROM auth.accounts');
  await app.database.query('DELETE FROM auth.outbox');
};

describe('account linking by address', () => {
  it('links an address verified here and vouched for by Google, and notifies the user', async () => {
    await forgetEveryone();
    const local = await verifiedPerson(app, mailbox, 'holder');
    await app.database.query('UPDATE auth.accounts SET email = $1 WHERE email = $2', [GMAIL, local.email]);
    const before = await logInWithPassword(GMAIL, local.password);
    const google = await logIn('google', 'mina');
    expect(google.id).toBe(before.id);
    const [mail] = await mailbox.waitFor(GMAIL);
    expect(mail?.text).toContain('Google');
    expect((await logInWithPassword(GMAIL, local.password)).id).toBe(before.id);
  });

  it('links two providers that both vouch for the address', async () => {
    await forgetEveryone();
    const google = await logIn('google', 'mina');
    expect((await logIn('kakao', 'mina-gmail')).id).toBe(google.id);
  });

  it('does not link an address reported by Naver, and asks for a linking login', async () => {
    await forgetEveryone();
    await logIn('google', 'mina');
    const browser = new Browser(app.url);
    const answer = await browser.logInWith('naver', 'external');
    expect(loginErrorOf(answer)).toBe('account_link_required');
    expect(await browser.accessToken()).toBeUndefined();
  });

  it('discards the password of an earlier unverified registration', async () => {
    await forgetEveryone();
    await post(app, '/auth/register', {
      email: GMAIL,
      password: 'the attacker chose it',
      nickname: 'Attacker',
    });
    const [mail] = (await mailbox.waitFor(GMAIL)).slice(-1);
    const token = /#verify-email=(\S+)/.exec(mail?.text ?? '')?.[1];
    const owner = await logIn('google', 'mina');
    expect((await post(app, '/auth/login', { email: GMAIL, password: 'the attacker chose it' })).status).toBe(
      401,
    );
    expect((await post(app, '/auth/verify-email', { token })).status).toBe(400);
    expect((await call(owner, 'GET', '/auth/identities')).body).toMatchObject({ passwordSet: false });
    expect((await call(owner, 'GET', '/users/me')).body.nickname).not.toBe('Attacker');
  });

  it('opens an account without an address if the provider’s address is invalid here', async () => {
    const profile = {
      provider: 'kakao',
      subject: '42',
      email: '민아@gmail.com',
      emailVerification: 'verified',
    } as const;
    const account = await app.daemun.app
      .get(SocialAccounts, { strict: false })
      .findOrOpenAccount({ profile }, 'Kakao');
    expect(account).toMatchObject({ email: null, emailVerifiedAt: null });
  });

  it('opens one account for parallel first logins at two providers', async () => {
    await forgetEveryone();
    const people = await Promise.all([
      logIn('google', 'mina'),
      logIn('kakao', 'mina-gmail'),
      logIn('google', 'mina'),
      logIn('kakao', 'mina-gmail'),
    ]);
    expect(new Set(people.map(({ id }) => id)).size).toBe(1);
  });
});

describe('linking while logged in', () => {
  it('adds a login method without opening a session', async () => {
    await forgetEveryone();
    const mina = await logIn('kakao', 'mina');
    const answer = await link(mina, 'naver', 'mina');
    expect([answer.status, answer.location]).toEqual([303, `${app.config.webOrigins[0]}/me`]);
    expect(answer.headers.getSetCookie().some((cookie) => cookie.startsWith('refresh='))).toBe(false);
    expect(await providersOf(mina)).toEqual(['kakao', 'naver']);
    expect((await logIn('naver', 'mina')).id).toBe(mina.id);
  });

  it('refuses an identity that is linked to another account', async () => {
    await forgetEveryone();
    await logIn('naver', 'jun');
    const mina = await logIn('kakao', 'mina');
    expect(loginErrorOf(await link(mina, 'naver', 'jun'))).toBe('identity_taken');
    expect(await providersOf(mina)).toEqual(['kakao']);
  });

  it('refuses a second identity of one provider', async () => {
    await forgetEveryone();
    const mina = await logIn('kakao', 'mina');
    expect(loginErrorOf(await link(mina, 'kakao', 'jun'))).toBe('identity_taken');
  });

  it('fails after a logout in the meantime', async () => {
    await forgetEveryone();
    const mina = await logIn('kakao', 'mina');
    const { body } = await call(mina, 'POST', '/auth/identities/naver', {});
    const callback = await mina.browser.choose('mina', await mina.browser.request(body.url, {}, 'elsewhere'));
    await mina.browser.request(`${app.url}/auth/logout`, { method: 'POST' });
    expect(loginErrorOf(await mina.browser.request(callback, {}, 'elsewhere'))).toBe('login_attempt_invalid');
  });

  it('fails after the end of the session when only its row records the end', async () => {
    await forgetEveryone();
    const mina = await logIn('kakao', 'mina');
    const callback = await beginLink(mina, 'naver', 'mina');
    await app.database.query('UPDATE auth.sessions SET ended_at = now()');
    expect(loginErrorOf(await mina.browser.request(callback, {}, 'elsewhere'))).toBe('login_attempt_invalid');
    expect(await app.database.query(`SELECT * FROM auth.identities WHERE provider = 'naver'`)).toEqual([]);
  });

  it('fails for a disabled account', async () => {
    await forgetEveryone();
    const mina = await logIn('kakao', 'mina');
    const callback = await beginLink(mina, 'naver', 'mina');
    await app.database.query(`UPDATE auth.accounts SET status = 'disabled'`);
    expect(loginErrorOf(await mina.browser.request(callback, {}, 'elsewhere'))).toBe('account_disabled');
  });

  it('cannot be finished in another browser', async () => {
    await forgetEveryone();
    const mina = await logIn('kakao', 'mina');
    const { body } = await call(mina, 'POST', '/auth/identities/naver', {});
    const victim = new Browser(app.url);
    const callback = await victim.choose('jun', await victim.request(body.url, {}, 'elsewhere'));
    expect(loginErrorOf(await victim.request(callback, {}, 'elsewhere'))).toBe('login_attempt_invalid');
    expect(await providersOf(mina)).toEqual(['kakao']);
  });

  it.each([
    ['an unknown provider', '/auth/identities/daum', {}, 404, 'provider_not_enabled'],
    [
      'a page of another origin',
      '/auth/identities/naver',
      { returnTo: 'https://evil.example/' },
      400,
      'return_to_not_allowed',
    ],
    ['unknown members', '/auth/identities/naver', { who: 'else' }, 400, 'validation_failed'],
  ])('refuses to link: %s', async (_, path, body, status, code) => {
    const mina = await logIn('kakao', 'mina');
    expect(await call(mina, 'POST', path, body)).toMatchObject({ status, body: { code } });
  });
});

describe('unlinking', () => {
  it('removes the login method and revokes the grant at the provider', async () => {
    await forgetEveryone();
    const mina = await logIn('kakao', 'mina');
    await link(mina, 'naver', 'mina');
    app.sandbox.clearRequests();
    expect((await call(mina, 'DELETE', '/auth/identities/naver')).status).toBe(204);
    expect(await providersOf(mina)).toEqual(['kakao']);
    expect(await seen('revoke', 'naver')).toBe(1);
    expect((await logIn('naver', 'mina')).id).not.toBe(mina.id);
  });

  it('ends the sessions that the unlinked identity opened, and no other session', async () => {
    await forgetEveryone();
    const mina = await logIn('kakao', 'mina');
    await link(mina, 'naver', 'mina');
    const [byNaver, byKakao] = [await logIn('naver', 'mina'), await logIn('kakao', 'mina')];
    expect((await call(mina, 'DELETE', '/auth/identities/naver')).status).toBe(204);
    expect((await call(byNaver, 'GET', '/users/me')).body.code).toBe('session_ended');
    expect(await byNaver.browser.accessToken()).toBeUndefined();
    for (const who of [mina, byKakao]) expect((await call(who, 'GET', '/users/me')).status).toBe(200);
  });

  it('does not end the session that sends the unlink request', async () => {
    await forgetEveryone();
    const mina = await logIn('kakao', 'mina');
    await link(mina, 'naver', 'mina');
    const here = await logIn('naver', 'mina');
    expect((await call(here, 'DELETE', '/auth/identities/naver')).status).toBe(204);
    expect(await here.browser.accessToken()).toBeDefined();
  });

  it('refuses to remove the last login method, also in parallel requests', async () => {
    await forgetEveryone();
    const mina = await logIn('kakao', 'mina');
    expect(await call(mina, 'DELETE', '/auth/identities/kakao')).toMatchObject({
      status: 409,
      body: { code: 'last_login_method' },
    });
    await link(mina, 'naver', 'mina');
    const answers = await Promise.all(
      ['kakao', 'naver'].map((provider) => call(mina, 'DELETE', `/auth/identities/${provider}`)),
    );
    expect(answers.map(({ status }) => status)).toEqual(expect.arrayContaining([204, 409]));
  });

  it('answers 404 for a provider that is not linked', async () => {
    const mina = await logIn('kakao', 'mina');
    expect((await call(mina, 'DELETE', '/auth/identities/google')).status).toBe(404);
  });
});

describe('the stored provider grant', () => {
  const grants = () =>
    app.database.query<{ provider: string; grant_jwe: string | null }[]>(
      'SELECT provider, grant_jwe FROM auth.identities',
    );
  it('is encrypted, and absent where unlinking needs no token', async () => {
    await forgetEveryone();
    await logIn('google', 'jun');
    await logIn('kakao', 'jun');
    const kept = Object.fromEntries((await grants()).map(({ provider, grant_jwe: jwe }) => [provider, jwe]));
    expect(kept).toEqual({ google: expect.stringMatching(/^eyJ[\w-]+\.\./), kakao: null });
  });

  it('is the access token of the user for Kakao without an admin key', async () => {
    const own = await startSocialApp({ ...SCOPES, KAKAO_ADMIN_KEY: '' });
    const mina = await logIn('kakao', 'mina', own);
    own.sandbox.clearRequests();
    expect((await call(mina, 'DELETE', '/auth/account', undefined, own)).status).toBe(204);
    await deliver(own);
    expect(own.sandbox.requests().map(({ endpoint }) => endpoint)).toEqual(['unlink']);
    await own.stop();
  });
});

describe('an unlink notice', () => {
  const send = (path: string, { method, query, headers, body }: WebhookRequest) =>
    fetch(`${app.url}${path}${query}`, { method, headers, body });
  const subjectOf = async ({ id }: Person) =>
    (
      await app.database.query<[{ subject: string }]>(
        'SELECT subject FROM auth.identities WHERE account_id = $1',
        [id],
      )
    )[0].subject;
  const kakao = { adminKey: 'sandbox-admin-key', appId: '123456' };
  const naver = { clientId: 'sandbox-client', clientSecret: 'sandbox-secret' };
  const isOut = async (who: Person) =>
    (await call(who, 'GET', '/users/me')).body.code === 'session_ended' &&
    (await who.browser.accessToken()) === undefined;

  it.each(['GET', 'POST'] as const)(
    'from Kakao by %s ends sessions and removes the identity',
    async (method) => {
      const mina = await logIn('kakao', 'no-email');
      const notice = kakaoUnlinkNotice({ ...kakao, method, userId: await subjectOf(mina) });
      expect((await send('/auth/kakao/unlinked', notice)).status).toBe(200);
      expect(await isOut(mina)).toBe(true);
      expect((await send('/auth/kakao/unlinked', notice)).status).toBe(200);
      expect((await logIn('kakao', 'no-email')).id).not.toBe(mina.id);
    },
  );

  it('from Naver ends sessions and removes the identity', async () => {
    const mina = await logIn('naver', 'mina');
    const notice = naverUnlinkNotice({ ...naver, userId: await subjectOf(mina), now: Date.now() });
    expect((await send('/auth/naver/unlinked', notice)).status).toBe(204);
    expect(await isOut(mina)).toBe(true);
  });

  it('from Naver is ignored on replay after the user has logged in again', async () => {
    const before = await logIn('naver', 'jun');
    const userId = await subjectOf(before);
    await app.database.query(`UPDATE auth.identities SET linked_at = linked_at - interval '1 minute'`);
    const notice = naverUnlinkNotice({ ...naver, userId, now: Date.now() - 5_000 });
    expect((await send('/auth/naver/unlinked', notice)).status).toBe(204);
    expect(await isOut(before)).toBe(true);
    const after = await logIn('naver', 'jun');
    expect((await send('/auth/naver/unlinked', notice)).status).toBe(204);
    expect(await isOut(after)).toBe(false);
    expect((await logIn('naver', 'jun')).id).toBe(after.id);
  });

  it('about an unknown subject gets the response that Kakao requires', async () => {
    const notice = kakaoUnlinkNotice({ ...kakao, method: 'POST', userId: '404' });
    expect((await send('/auth/kakao/unlinked', notice)).status).toBe(200);
  });

  it.each([
    ['with another key', { ...kakao, adminKey: 'guess' }],
    ['for another app', { ...kakao, appId: '654321' }],
  ])('from Kakao is ignored: %s', async (_, forged) => {
    const mina = await logIn('kakao', 'mina');
    const notice = kakaoUnlinkNotice({ ...forged, method: 'POST', userId: await subjectOf(mina) });
    expect((await send('/auth/kakao/unlinked', notice)).status).toBe(403);
    expect(await isOut(mina)).toBe(false);
  });

  it.each([
    ['signed with another secret', { clientSecret: 'guess' }, 0],
    ['for another client', { clientId: 'another' }, 0],
    ['from long ago', {}, 3_600_000],
    ['from tomorrow', {}, -86_400_000],
  ])('from Naver is ignored: %s', async (_, forged, age) => {
    const mina = await logIn('naver', 'mina');
    const userId = await subjectOf(mina);
    const notice = naverUnlinkNotice({ ...naver, ...forged, userId, now: Date.now() - age });
    expect((await send('/auth/naver/unlinked', notice)).status).toBe(400);
    expect(await isOut(mina)).toBe(false);
  });

  it.each(['signature', 'timestamp'])(
    'from Naver is ignored if its HMAC does not match: another %s',
    async (name) => {
      const mina = await logIn('naver', 'mina');
      const userId = await subjectOf(mina);
      const notice = naverUnlinkNotice({ ...naver, userId, now: Date.now() });
      const members = new URLSearchParams(notice.body);
      const others = new URLSearchParams(
        naverUnlinkNotice({ ...naver, userId, now: Date.now() - 5_000 }).body,
      );
      members.set(name, others.get(name) ?? '');
      expect((await send('/auth/naver/unlinked', { ...notice, body: members.toString() })).status).toBe(400);
      expect(await isOut(mina)).toBe(false);
    },
  );

  it('that is malformed is refused without effect', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    for (const body of ['', '%', 'clientId=sandbox-client', `signature=${'a'.repeat(10_000)}`]) {
      expect((await send('/auth/naver/unlinked', { method: 'POST', query: '', headers, body })).status).toBe(
        400,
      );
      expect((await send('/auth/kakao/unlinked', { method: 'POST', query: '', headers, body })).status).toBe(
        403,
      );
    }
  });

  it('is the only request that may have a form as its body', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await fetch(`${app.url}/auth/login`, { method: 'POST', headers, body: 'email=a' });
    expect(answer.status).toBe(415);
  });
});

describe('unlinking while the provider of another identity is switched off', () => {
  it('refuses to remove the last usable login method', async () => {
    const own = await startSocialApp({ ...SCOPES, NAVER_CLIENT_ID: '' });
    const mina = await logIn('kakao', 'mina', own);
    await own.database.query(
      `INSERT INTO auth.identities (provider, subject, account_id, email_verification) VALUES ('naver', 'n', $1, 'unsupported')`,
      [mina.id],
    );
    expect((await call(mina, 'DELETE', '/auth/identities/kakao', undefined, own)).body.code).toBe(
      'last_login_method',
    );
    expect((await call(mina, 'DELETE', '/auth/identities/naver', undefined, own)).status).toBe(204);
    await own.stop();
  });
});
