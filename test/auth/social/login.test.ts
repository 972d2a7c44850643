import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { accountIdOf, Browser, loginErrorOf } from '../../support/fixtures/browser.js';
import { type SocialApp, startSocialApp } from '../../support/fixtures/social.js';

let app: SocialApp;
beforeAll(async () => {
  app = await startSocialApp({ KAKAO_SCOPE: 'profile_nickname profile_image account_email' });
});
afterAll(() => app.stop());
beforeEach(() => app.sandbox.clearRequests());

const PROVIDERS = ['google', 'kakao', 'naver'] as const;

describe.each(PROVIDERS)('a login with %s', (provider) => {
  it('ends on the requested page, logged in', async () => {
    const browser = new Browser(app.url);
    const landing = await browser.logInWith(provider, 'mina', '/boards?page=2#last');
    expect([landing.status, landing.location]).toEqual([303, `${app.url}/boards?page=2#last`]);
    expect(await browser.accessToken()).toBeDefined();
  });

  it('ends on the default page without returnTo', async () => {
    const landing = await new Browser(app.url).logInWith(provider, 'mina');
    expect(landing.location).toBe(`${app.url}/`);
  });

  it('finds the same account each time', async () => {
    const accounts = [];
    for (const browser of [new Browser(app.url), new Browser(app.url)]) {
      await browser.logInWith(provider, 'jun');
      accounts.push(accountIdOf((await browser.accessToken())!));
    }
    expect(accounts[0]).toBe(accounts[1]);
  });

  it('leaves no transaction cookie in the browser', async () => {
    const browser = new Browser(app.url);
    await browser.logInWith(provider, 'mina');
    expect(await browser.cookieNames()).toEqual(['refresh']);
  });

  it('sends a PKCE verifier, and puts no token into a URL', async () => {
    await new Browser(app.url).logInWith(provider, 'mina');
    const seen = app.sandbox.requests();
    expect(seen.find(({ endpoint }) => endpoint === 'authorize')).toMatchObject({
      queryNames: expect.arrayContaining(['state', 'code_challenge', 'code_challenge_method']),
      values: { code_challenge_method: 'S256' },
    });
    expect(seen.find(({ endpoint }) => endpoint === 'token')).toMatchObject({
      method: 'POST',
      queryNames: [],
      hasCodeVerifier: true,
      hasClientSecret: true,
    });
    expect(seen.find(({ endpoint }) => endpoint === 'profile')).toMatchObject({
      queryNames: [],
      hasAuthorizationHeader: true,
      accessTokenInQuery: false,
    });
  });

  it('reports a refused consent to the page', async () => {
    const browser = new Browser(app.url);
    const landing = await browser.logInWith(provider, 'cancel', '/join?plan=a');
    expect(landing.location).toBe(`${app.url}/join?plan=a&login_error=access_denied`);
    expect(await browser.cookieNames()).toEqual([]);
    expect(app.calls('token')).toBe(0);
  });

  it('succeeds with a subject as the only member of the profile', async () => {
    const browser = new Browser(app.url);
    await browser.logInWith(provider, 'bare');
    const id = accountIdOf((await browser.accessToken())!);
    const [profile] = await app.database.query('SELECT * FROM profile.profiles WHERE account_id = $1', [id]);
    expect(profile.nickname).toMatch(/^손님\d{4}$/);
    expect(profile.avatar_url).toBeNull();
  });

  it('succeeds without an e-mail address', async () => {
    const browser = new Browser(app.url);
    await browser.logInWith(provider, 'no-email');
    const id = accountIdOf((await browser.accessToken())!);
    const [identity] = await app.database.query('SELECT * FROM auth.identities WHERE account_id = $1', [id]);
    expect(identity).toMatchObject({ provider, email: null });
  });

  it('opens one account for twenty parallel first logins', async () => {
    const callbacks = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const browser = new Browser(app.url);
        return { browser, url: await browser.choose('user-crowd', await browser.goTo(provider)) };
      }),
    );
    const landings = await Promise.all(
      callbacks.map(({ browser, url }) => browser.request(url, {}, 'elsewhere')),
    );
    expect(landings.map(loginErrorOf)).toEqual(Array.from({ length: 20 }, () => undefined));
    const accounts = await Promise.all(
      callbacks.map(async ({ browser }) => accountIdOf((await browser.accessToken())!)),
    );
    expect(new Set(accounts).size).toBe(1);
    const orphans = await app.database.query(
      'SELECT count(*)::int AS n FROM auth.accounts WHERE id NOT IN (SELECT account_id FROM auth.identities)',
    );
    expect(orphans).toEqual([{ n: 0 }]);
  });

  it('keeps the transactions of two tabs apart', async () => {
    const browser = new Browser(app.url);
    const first = await browser.goTo(provider, '/first');
    const second = await browser.goTo(provider, '/second');
    const landings = [
      await browser.request(await browser.choose('mina', second), {}, 'elsewhere'),
      await browser.request(await browser.choose('mina', first), {}, 'elsewhere'),
    ];
    expect(landings.map(({ location }) => location)).toEqual([`${app.url}/second`, `${app.url}/first`]);
  });
});

describe('the identity of a user', () => {
  it('distinguishes Kakao ids beyond the precision of a double', async () => {
    const subjects = [];
    for (const persona of ['big-id', 'big-id-neighbour']) {
      const browser = new Browser(app.url);
      await browser.logInWith('kakao', persona);
      const id = accountIdOf((await browser.accessToken())!);
      const [identity] = await app.database.query(
        'SELECT subject FROM auth.identities WHERE account_id = $1',
        [id],
      );
      subjects.push(identity.subject);
    }
    expect(subjects).toEqual(['9007199254740992', '9007199254740993']);
  });

  it('distinguishes equal subjects at two providers', async () => {
    const idOf = async (persona: string) => {
      const browser = new Browser(app.url);
      expect(loginErrorOf(await browser.logInWith('kakao', persona))).toBeUndefined();
      return accountIdOf((await browser.accessToken())!);
    };
    const [mina, jun] = [await idOf('mina'), await idOf('jun')];
    await app.database.query(
      `INSERT INTO auth.identities (provider, subject, account_id, email_verification)
       SELECT 'naver', subject, $2, 'unsupported' FROM auth.identities WHERE account_id = $1 AND provider = 'kakao'`,
      [mina, jun],
    );
    await app.database.query('DELETE FROM auth.accounts WHERE id = $1', [mina]);
    expect(await idOf('mina')).not.toBe(jun);
  });

  it('is never found by an address that the provider does not vouch for', async () => {
    await new Browser(app.url).logInWith('google', 'mina');
    const otherUser = new Browser(app.url);
    expect(loginErrorOf(await otherUser.logInWith('naver', 'external'))).toBe('account_link_required');
    expect(await otherUser.accessToken()).toBeUndefined();
  });

  it('brings the account’s address only if the provider vouches for it', async () => {
    const addresses = async (provider: string) => {
      const browser = new Browser(app.url);
      await browser.logInWith(provider, 'jun');
      const id = accountIdOf((await browser.accessToken())!);
      const [row] = await app.database.query<object[]>(
        `SELECT a.email AS own, i.email AS hint, i.email_verification FROM auth.accounts a
         JOIN auth.identities i ON i.account_id = a.id WHERE a.id = $1`,
        [id],
      );
      return row;
    };
    const [gmail, contact] = ['sandbox-jun@gmail.com', 'sandbox.jun@naver.com'];
    expect(await addresses('google')).toEqual({ own: gmail, hint: gmail, email_verification: 'verified' });
    expect(await addresses('naver')).toEqual({ own: null, hint: contact, email_verification: 'unsupported' });
  });

  it('is refused if the account is disabled', async () => {
    const browser = new Browser(app.url);
    await browser.logInWith('kakao', 'user-banned');
    const id = accountIdOf((await browser.accessToken())!);
    await app.database.query(`UPDATE auth.accounts SET status = 'disabled' WHERE id = $1`, [id]);
    const again = new Browser(app.url);
    expect(loginErrorOf(await again.logInWith('kakao', 'user-banned'))).toBe('account_disabled');
    expect(await again.accessToken()).toBeUndefined();
  });
});

describe('the provider list', () => {
  it('contains the enabled providers in the order of the buttons', async () => {
    const answer = await fetch(`${app.url}/auth/providers`);
    expect(await answer.json()).toEqual([
      { id: 'google', name: 'Google', loginUrl: `${app.url}/auth/google` },
      { id: 'kakao', name: 'Kakao', loginUrl: `${app.url}/auth/kakao` },
      { id: 'naver', name: 'Naver', loginUrl: `${app.url}/auth/naver` },
    ]);
  });

  it.each(['facebook', 'constructor', '__proto__', 'GOOGLE'])(
    'does not contain %s, and no login with it starts',
    async (name) => {
      const answer = await fetch(`${app.url}/auth/${name}`, { redirect: 'manual' });
      expect(answer.status).toBe(404);
      expect(await answer.json()).toMatchObject({ code: 'provider_not_enabled' });
    },
  );
});
