import { describe, expect, it } from '@jest/globals';
import { Provider } from '../../../src/auth/social/provider.js';
import { PROVIDERS } from '../../../src/auth/social/providers.js';
import { Browser, loginErrorOf } from '../../support/fixtures/browser.js';
import { type SocialApp, startSocialApp } from '../../support/fixtures/social.js';

/** Runs the test against a separate installation. */
async function withApp(
  env: Record<string, string>,
  test: (app: SocialApp) => Promise<void>,
  sandbox: Parameters<typeof startSocialApp>[1] = {},
): Promise<void> {
  const app = await startSocialApp(env, sandbox);
  try {
    await test(app);
  } finally {
    await app.stop();
  }
}
const startLocation = async (app: SocialApp, provider: string): Promise<URL> =>
  new URL((await new Browser(app.url).request(`${app.url}/auth/${provider}`)).location!);

describe('an installation', () => {
  it('without credentials for a provider does not enable the provider', async () => {
    await withApp({ GOOGLE_CLIENT_ID: '', GOOGLE_CLIENT_SECRET: '' }, async (app) => {
      const list = (await (await fetch(`${app.url}/auth/providers`)).json()) as { id: string }[];
      expect(list.map(({ id }) => id)).toEqual(['kakao', 'naver']);
      expect((await fetch(`${app.url}/auth/google`, { redirect: 'manual' })).status).toBe(404);
      const callback = await new Browser(app.url).request(`${app.url}/auth/google/callback?code=a&state=b`);
      expect(callback.location).toBe(`${app.url}/?login_error=login_attempt_invalid`);
    });
  });

  it('logs the enabled providers at start', async () => {
    await withApp({ NAVER_CLIENT_ID: '', NAVER_CLIENT_SECRET: '' }, async (app) => {
      expect(app.log).toContainEqual(
        expect.objectContaining({ level: 'info', msg: 'enabled providers: google, kakao' }),
      );
    });
  });

  it('sends Kakao no client_secret if none is configured', async () => {
    await withApp(
      { KAKAO_CLIENT_SECRET: '' },
      async (app) => {
        const browser = new Browser(app.url);
        expect(loginErrorOf(await browser.logInWith('kakao', 'mina'))).toBeUndefined();
        const token = app.sandbox.requests().find(({ endpoint }) => endpoint === 'token');
        expect(token?.formNames).not.toContain('client_secret');
      },
      { clientSecret: '' },
    );
  });

  it('with a wrong client secret tells the page that the operator must act', async () => {
    await withApp(
      {},
      async (app) => {
        for (const provider of ['google', 'kakao', 'naver']) {
          const landing = await new Browser(app.url).logInWith(provider, 'mina');
          expect([provider, loginErrorOf(landing)]).toEqual([provider, 'provider_misconfigured']);
          const line = app.log.find((it) => it.provider === provider && it.level === 'error');
          expect(line?.msg).toContain(`${provider.toUpperCase()}_CLIENT_SECRET`);
          expect(line?.msg).toContain(`${app.url}/auth/${provider}/callback`);
        }
        expect(JSON.stringify(app.log)).not.toContain('sandbox-secret');
      },
      { clientSecret: 'another-secret' },
    );
  });

  it('requests the configured scopes', async () => {
    await withApp({ KAKAO_SCOPE: 'profile_nickname,openid', GOOGLE_SCOPE: 'openid' }, async (app) => {
      const [kakao, google, naver] = await Promise.all(
        ['kakao', 'google', 'naver'].map((provider) => startLocation(app, provider)),
      );
      expect(kakao!.searchParams.get('scope')?.split(/[ ,]/)).toEqual(['profile_nickname', 'openid']);
      expect(google!.searchParams.get('scope')).toBe('openid');
      expect(naver!.searchParams.has('scope')).toBe(false);
      expect([kakao, google, naver].map((url) => url!.searchParams.has('nonce'))).toEqual([
        true,
        true,
        false,
      ]);
      expect(loginErrorOf(await new Browser(app.url).logInWith('kakao', 'mina'))).toBeUndefined();
    });
  });

  it('without a sandbox uses the real providers over https', async () => {
    const found = await Promise.all(
      PROVIDERS.map(async (definition) => {
        const credentials = { clientId: `${definition.id}-id`, scope: [] };
        const provider = new Provider(definition, credentials, 'https://api.example.com');
        const url = new URL((await provider.authorizationRequest('state')).url);
        return [`${url.origin}${url.pathname}`, url.searchParams.get('redirect_uri')];
      }),
    );
    expect(found).toEqual([
      ['https://accounts.google.com/o/oauth2/v2/auth', 'https://api.example.com/auth/google/callback'],
      ['https://kauth.kakao.com/oauth/authorize', 'https://api.example.com/auth/kakao/callback'],
      ['https://nid.naver.com/oauth2.0/authorize', 'https://api.example.com/auth/naver/callback'],
    ]);
  });

  it('keeps its client id apart from another installation in the same process', async () => {
    await withApp({ GOOGLE_CLIENT_ID: 'one' }, async (one) => {
      await withApp({ GOOGLE_CLIENT_ID: 'two' }, async (two) => {
        const ids = await Promise.all(
          [one, two].map(async (app) => (await startLocation(app, 'google')).searchParams.get('client_id')),
        );
        expect(ids).toEqual(['one', 'two']);
      });
    });
  });

  it('reports a database outage as such, not as an invalid login', async () => {
    await withApp({}, async (app) => {
      const browser = new Browser(app.url);
      const url = await browser.choose('mina', await browser.goTo('google', '/page'));
      await app.database.destroy();
      try {
        const landing = await browser.request(url, {}, 'elsewhere');
        expect(landing.location).toBe(`${app.url}/page?login_error=temporarily_unavailable`);
        expect((await fetch(`${app.url}/health/live`)).status).toBe(200);
      } finally {
        await app.database.initialize();
      }
    });
  });

  it('reports a database of another version', async () => {
    await withApp({}, async (app) => {
      await app.database.query('ALTER TABLE auth.identities RENAME TO lost');
      const landing = await new Browser(app.url).logInWith('kakao', 'mina');
      expect([landing.status, loginErrorOf(landing)]).toEqual([303, 'temporarily_unavailable']);
    });
  });

  it('completes logins while the profile service is down', async () => {
    await withApp({}, async (app) => {
      await app.database.query('ALTER TABLE profile.profiles RENAME TO lost');
      const browser = new Browser(app.url);
      expect(loginErrorOf(await browser.logInWith('naver', 'mina'))).toBeUndefined();
      expect(await browser.accessToken()).toBeDefined();
    });
  });
});
