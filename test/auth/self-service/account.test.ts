import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Outbox } from '../../../src/outbox/outbox.js';
import { ProviderGrants } from '../../../src/auth/social/provider-grants.js';
import { openSession } from '../../support/fixtures/actors.js';
import { insiders, type Body, type Person } from '../../support/fixtures/insiders.js';
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

const { logIn, logInWithPassword, call, link } = insiders(() => app);
const providersOf = async (who: Person) =>
  (await call(who, 'GET', '/auth/identities')).body.identities.map(({ provider }) => provider);
const deliver = (on = app) => on.daemun.app.get(Outbox, { strict: false }).run();
const messagesLeft = async () =>
  (await app.database.query<[{ count: number }]>('SELECT count(*)::int AS count FROM auth.outbox'))[0].count;
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

describe('reauthentication after ten minutes', () => {
  const old = () =>
    app.database.query(`UPDATE auth.sessions SET created_at = created_at - interval '11 minutes'`);

  it.each([
    ['linking', 'POST', '/auth/identities/naver', 200],
    ['unlinking', 'DELETE', '/auth/identities/kakao', 204],
  ])('is required for %s: another login, or the password', async (_, method, path, done) => {
    await forgetEveryone();
    const local = await verifiedPerson(app, mailbox, `careful-${done}`);
    const mina = await logInWithPassword(local.email, local.password);
    await link(mina, 'kakao', 'mina');
    await old();
    const asking = (body: object) => call(mina, method, path, body);
    expect(await asking({})).toMatchObject({ status: 403, body: { code: 'reauthentication_required' } });
    expect((await asking({ password: 'a wrong guess' })).body.code).toBe('credentials_invalid');
    expect(await providersOf(mina)).toEqual(['kakao']);
    expect((await asking({ password: local.password })).status).toBe(done);
  });

  it('works by another provider login for an account without a password', async () => {
    await forgetEveryone();
    const mina = await logIn('kakao', 'mina');
    await link(mina, 'naver', 'mina');
    await old();
    expect((await call(mina, 'DELETE', '/auth/identities/naver')).body.code).toBe(
      'reauthentication_required',
    );
    const again = await logIn('kakao', 'mina');
    expect(again.id).toBe(mina.id);
    expect((await call(again, 'DELETE', '/auth/identities/naver')).status).toBe(204);
  });
});

describe('deletion of an account', () => {
  it('ends its sessions and grants, and a later login opens a new account', async () => {
    await forgetEveryone();
    const mina = await logIn('google', 'mina');
    await link(mina, 'kakao', 'mina');
    await link(mina, 'naver', 'mina');
    const elsewhere = await logIn('kakao', 'mina');
    app.sandbox.clearRequests();
    expect((await call(mina, 'DELETE', '/auth/account')).status).toBe(204);
    for (const who of [mina, elsewhere]) {
      expect((await call(who, 'GET', '/users/me')).body.code).toBe('session_ended');
      expect(await who.browser.accessToken()).toBeUndefined();
    }
    expect(await seen('revoke', 'google')).toBe(1);
    expect(await seen('revoke', 'naver')).toBe(1);
    expect(await seen('unlink', 'kakao')).toBe(1);
    expect(await messagesLeft()).toBe(0);
    expect((await fetch(`${app.url}/users/${mina.id}`)).status).toBe(404);
    expect((await logIn('google', 'mina')).id).not.toBe(mina.id);
  });

  it('clears the cookie of its own session, but not the cookie of a later login', async () => {
    const cookiesAfter = async (whose: 'own' | 'another') => {
      const mina = await openSession(app);
      const { refreshToken } = whose === 'own' ? mina : await openSession(app);
      const headers = { authorization: `Bearer ${mina.accessToken}`, cookie: `refresh=${refreshToken}` };
      const answer = await fetch(`${app.url}/auth/account`, { method: 'DELETE', headers });
      expect(answer.status).toBe(204);
      return answer.headers.getSetCookie().filter((cookie) => cookie.startsWith('refresh='));
    };
    expect(await cookiesAfter('own')).toEqual([expect.stringMatching(/^refresh=;/)]);
    expect(await cookiesAfter('another')).toEqual([]);
  });

  it('leaves no personal data except the account id', async () => {
    await forgetEveryone();
    const mina = await logIn('google', 'mina');
    await call(mina, 'DELETE', '/auth/account');
    const left = await app.database.query('SELECT * FROM auth.accounts WHERE id = $1', [mina.id]);
    expect(JSON.stringify(left)).not.toMatch(/mina|gmail|https/i);
    expect(
      await app.database.query('SELECT * FROM auth.identities WHERE account_id = $1', [mina.id]),
    ).toEqual([]);
  });

  it('is confirmed by a mail in the language of the profile', async () => {
    await forgetEveryone();
    const { email, password } = await verifiedPerson(app, mailbox, 'english');
    const mina = await logInWithPassword(email, password);
    await call(mina, 'PATCH', '/users/me', { locale: 'en' });
    // Deletes the profile in the transaction that adds the messages, before any of them can be delivered.
    await app.database.query(`
      CREATE FUNCTION delete_profile() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        DELETE FROM profile.profiles WHERE account_id = '${mina.id}';
        RETURN NULL;
      END $$`);
    await app.database.query(
      'CREATE TRIGGER delete_profile AFTER INSERT ON auth.outbox FOR EACH ROW EXECUTE FUNCTION delete_profile()',
    );
    try {
      expect((await call(mina, 'DELETE', '/auth/account')).status).toBe(204);
    } finally {
      await app.database.query('DROP FUNCTION delete_profile CASCADE');
    }
    const mail = (await mailbox.waitFor(email, 2)).at(-1);
    expect(mail?.subject).toBe('Your account has been deleted');
    expect(mail?.text).not.toMatch(/\p{Script=Hangul}/u);
  });

  it('requires reauthentication by a recent login or the password', async () => {
    await forgetEveryone();
    const local = await verifiedPerson(app, mailbox, 'leaver');
    const mina = await logInWithPassword(local.email, local.password);
    await app.database.query(`UPDATE auth.sessions SET created_at = created_at - interval '11 minutes'`);
    expect((await call(mina, 'DELETE', '/auth/account')).body.code).toBe('reauthentication_required');
    expect((await call(mina, 'DELETE', '/auth/account', { password: 'a wrong guess' })).body.code).toBe(
      'credentials_invalid',
    );
    expect((await call(mina, 'DELETE', '/auth/account', { password: local.password })).status).toBe(204);
    expect((await post(app, '/auth/login', local)).status).toBe(400);
    expect((await post(app, '/auth/login', { email: local.email, password: local.password })).status).toBe(
      401,
    );
    expect((await mailbox.waitFor(local.email, 2)).at(-1)?.subject).toMatch(/삭제/);
  });

  it('retries the unlinking until the provider confirms it, and counts it as pending', async () => {
    await forgetEveryone();
    const mina = await logIn('naver', 'mina');
    app.sandbox.fault({ provider: 'naver', at: 'revoke', fault: '500' });
    app.sandbox.clearRequests();
    expect((await call(mina, 'DELETE', '/auth/account')).status).toBe(204);
    expect(await seen('revoke', 'naver')).toBe(1);
    expect(await messagesLeft()).toBe(1);
    expect(await (await fetch(`${app.url}/metrics`)).text()).toContain(
      'daemun_outbox_pending{kind="provider.unlink"} 1',
    );
    app.sandbox.clearFaults();
    await app.database.query('UPDATE auth.outbox SET due_at = now()');
    expect(await seen('revoke', 'naver')).toBe(2);
    expect(await messagesLeft()).toBe(0);
  });

  it.each(['google', 'kakao', 'naver'])(
    'does not revoke the grant at %s after the user has logged in again',
    async (provider) => {
      await forgetEveryone();
      const endpoint = provider === 'kakao' ? 'unlink' : 'revoke';
      const mina = await logIn(provider, 'mina');
      app.sandbox.fault({ provider: provider as 'kakao', at: endpoint, fault: '500' });
      await call(mina, 'DELETE', '/auth/account');
      await deliver();
      const again = await logIn(provider, 'mina');
      app.sandbox.clearFaults();
      app.sandbox.clearRequests();
      await app.database.query('UPDATE auth.outbox SET due_at = now()');
      expect(await seen(endpoint, provider)).toBe(0);
      expect(await messagesLeft()).toBe(0);
      expect(await providersOf(again)).toEqual([provider]);
      // The grant was in the message of the deletion; the second login returned no token of this kind.
      if (provider === 'kakao') return;
      const [{ jwe }] = await app.database.query<[{ jwe: string }]>(
        'SELECT grant_jwe AS jwe FROM auth.identities',
      );
      const grants = app.daemun.app.get(ProviderGrants, { strict: false });
      expect(await grants.open(jwe)).toMatchObject({ kind: 'refresh_token' });
    },
  );

  it('does not report a grant as revoked when no token can revoke it', async () => {
    await forgetEveryone();
    const mina = await logIn('google', 'mina');
    const grants = app.daemun.app.get(ProviderGrants, { strict: false });
    const dead = await grants.seal({ kind: 'access_token', token: 'expired-long-ago' }, null);
    await app.database.query('UPDATE auth.identities SET grant_jwe = $1', [dead]);
    expect((await call(mina, 'DELETE', '/auth/account')).status).toBe(204);
    await deliver();
    expect(await messagesLeft()).toBe(0);
    const metrics = await (await fetch(`${app.url}/metrics`)).text();
    expect(metrics).toContain('daemun_provider_unlinks_failed_total{provider="google"} 1');
    expect(app.log).toContainEqual(
      expect.objectContaining({
        provider: 'google',
        msg: expect.stringContaining('only the user can end it there'),
      }),
    );
  });
});

describe('the audit trail of an account', () => {
  it('is listed to its owner, newest first and paginated, without personal data', async () => {
    await forgetEveryone();
    const mina = await logIn('kakao', 'mina');
    await link(mina, 'naver', 'mina');
    await call(mina, 'DELETE', '/auth/identities/naver');
    const kinds: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { body }: { body: Body } = await call(
        mina,
        'GET',
        `/auth/events?limit=2${cursor && `&cursor=${cursor}`}`,
      );
      kinds.push(...body.items.map(({ kind }) => kind));
      expect(JSON.stringify(body)).not.toMatch(/@|미나/);
      cursor = body.nextCursor;
    }
    expect(kinds).toEqual(['identity_unlinked', 'identity_linked', 'session_opened', 'account_opened']);
  });

  it('records that a provider verified the address of a registration', async () => {
    await forgetEveryone();
    await post(app, '/auth/register', { email: GMAIL, password: 'waits for a mail', nickname: 'Mina' });
    const owner = await logIn('google', 'mina');
    const { body } = await call(owner, 'GET', '/auth/events');
    expect(body.items.map(({ kind }) => kind)).toContain('email_verified');
  });

  it('is not readable by other users', async () => {
    const [mina, jun] = [await logIn('kakao', 'mina'), await logIn('kakao', 'jun')];
    const { body } = await call(jun, 'GET', '/auth/events?limit=100');
    const own = await app.database.query<{ id: string }[]>(
      'SELECT id FROM auth.sessions WHERE account_id = $1',
      [mina.id],
    );
    for (const { id } of own) expect(JSON.stringify(body)).not.toContain(id);
    expect((await fetch(`${app.url}/auth/events`)).status).toBe(401);
  });
});

// Runs last: Nest's logger belongs to the process and writes to the application that was started last.
