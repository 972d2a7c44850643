import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PROVIDERS } from '../src/auth/social/providers.js';
import { ConfigError, configKeys, loadConfig } from '../src/config.js';

const CONFIG_KEYS = configKeys(PROVIDERS);
const SECRET = 'kX9vQ2mN7pL4rT8wZ1yB6cD3fG5hJ0aS';
/** What production needs, and nothing more. */
const PRODUCTION = { NODE_ENV: 'production', AUTH_SECRET: SECRET, PUBLIC_URL: 'https://api.example.com' };

/** The keys that are complained about. */
function complaints(env: Record<string, string>): string[] {
  try {
    loadConfig(PROVIDERS, env);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return [...new Set(error.problems.map(({ key }) => key))].toSorted();
  }
}

describe('an empty environment', () => {
  it('is a working development set-up with all three providers in the sandbox', () => {
    const config = loadConfig(PROVIDERS, {});
    expect(config).toMatchObject({
      production: false,
      port: 3000,
      host: '127.0.0.1',
      publicUrl: 'http://localhost:3000',
      webOrigins: ['http://localhost:3000'],
      sandbox: { port: 4000, smtpPort: 4025, providers: true },
    });
    expect(Object.keys(config.providers)).toEqual(['google', 'kakao', 'naver']);
  });

  it('means the same as settings that are left empty', () => {
    const empty = Object.fromEntries(
      CONFIG_KEYS.filter((key) => !/_(ID|SECRET|KEY)$/.test(key) || key === 'AUTH_SECRET').map((key) => [
        key,
        '',
      ]),
    );
    expect(inspect(loadConfig(PROVIDERS, empty), { depth: 5 })).toBe(
      inspect(loadConfig(PROVIDERS, {}), { depth: 5 }),
    );
  });

  it('cannot be changed once it was read, nor can anything in it', () => {
    const config = loadConfig(PROVIDERS, {});
    const parts = [config, config.cookie, config.webOrigins, config.providers, config.providers['google']];
    expect(parts.map((part) => Object.isFrozen(part))).toEqual(parts.map(() => true));
  });
});

describe('a provider outside production', () => {
  const provider = (env: Record<string, string>, id = 'google') => loadConfig(PROVIDERS, env).providers[id];

  it('is the sandbox’s while it has no credentials of its own', () => {
    expect(provider({})).toMatchObject({ clientId: 'sandbox-client', sandboxUrl: 'http://127.0.0.1:4000' });
  });

  it('is the real one as soon as it has', () => {
    const own = { GOOGLE_CLIENT_ID: 'real', GOOGLE_CLIENT_SECRET: 'real' };
    expect(provider(own)).toMatchObject({ clientId: 'real', sandboxUrl: undefined });
    expect(provider(own, 'kakao')).toMatchObject({ sandboxUrl: 'http://127.0.0.1:4000' });
  });

  it('is in a sandbox of your own, with credentials of your own, when that is set', () => {
    const env = { OAUTH_SANDBOX_URL: 'http://127.0.0.1:9999/', GOOGLE_CLIENT_ID: 'mine' };
    expect(provider(env)).toMatchObject({ clientId: 'mine', sandboxUrl: 'http://127.0.0.1:9999' });
    expect(loadConfig(PROVIDERS, env).sandbox).toMatchObject({ providers: false });
  });

  it('is off when its id is set, but empty', () => {
    expect(provider({ GOOGLE_CLIENT_ID: '' })).toBeUndefined();
  });

  it('has no secret when that is set, but empty, and the provider allows it', () => {
    expect(provider({ KAKAO_CLIENT_SECRET: '' }, 'kakao')).toMatchObject({ clientSecret: undefined });
    expect(complaints({ GOOGLE_CLIENT_SECRET: '' })).toEqual(['GOOGLE_CLIENT_SECRET']);
  });

  it('is not half set up: a secret needs an id', () => {
    expect(complaints({ GOOGLE_CLIENT_SECRET: 'secret' })).toEqual(['GOOGLE_CLIENT_ID']);
  });
});

describe('production', () => {
  it('starts with a secret and an https address', () => {
    expect(complaints(PRODUCTION)).toEqual([]);
  });

  it('has no sandbox, and listens to the world', () => {
    const config = loadConfig(PROVIDERS, PRODUCTION);
    expect(config.sandbox).toBeUndefined();
    expect(config.providers).toEqual({ google: undefined, kakao: undefined, naver: undefined });
    expect(config.host).toBe('0.0.0.0');
    expect(config.cookie.secure).toBe(true);
  });

  it.each<[string, Record<string, string>, string[]]>([
    ['a missing secret', { AUTH_SECRET: '' }, ['AUTH_SECRET']],
    ['a short secret', { AUTH_SECRET: 'kX9vQ2mN7pL4rT8w' }, ['AUTH_SECRET']],
    ['a secret of one letter', { AUTH_SECRET: 'a'.repeat(64) }, ['AUTH_SECRET']],
    ['a weak secret among good ones', { AUTH_SECRET: `${SECRET},old` }, ['AUTH_SECRET']],
    ['plain http', { PUBLIC_URL: 'http://api.example.com' }, ['PUBLIC_URL']],
    ['no public address', { PUBLIC_URL: '' }, ['PUBLIC_URL']],
    ['a plain http page', { WEB_ORIGINS: 'http://api.example.com' }, ['WEB_ORIGINS']],
    ['any page', { WEB_ORIGINS: '*' }, ['WEB_ORIGINS']],
    ['any page of a domain', { WEB_ORIGINS: 'https://*.example.com' }, ['WEB_ORIGINS']],
    ['the sandbox', { OAUTH_SANDBOX_URL: 'http://127.0.0.1:4000' }, ['OAUTH_SANDBOX_URL']],
    ['a grace that logs people out', { REFRESH_GRACE_SECONDS: '15' }, ['REFRESH_GRACE_SECONDS']],
    ['a provider without its secret', { GOOGLE_CLIENT_ID: 'id' }, ['GOOGLE_CLIENT_SECRET']],
    ['a provider without its id', { NAVER_CLIENT_SECRET: 'secret' }, ['NAVER_CLIENT_ID']],
    ['Kakao’s secret without its id', { KAKAO_CLIENT_SECRET: 'secret' }, ['KAKAO_CLIENT_ID']],
    [
      'pages on another site under SameSite=Strict',
      { WEB_ORIGINS: 'https://example.org' },
      ['COOKIE_SAMESITE'],
    ],
    [
      'another tenant of a shared domain',
      { PUBLIC_URL: 'https://a.github.io', WEB_ORIGINS: 'https://b.github.io' },
      ['COOKIE_SAMESITE'],
    ],
    ['trust in every proxy', { TRUST_PROXY: 'all' }, ['TRUST_PROXY']],
    ['trust in every address', { TRUST_PROXY: '0.0.0.0/0' }, ['TRUST_PROXY']],
    ['a database of another kind', { DATABASE_URL: 'mysql://localhost/x' }, ['DATABASE_URL']],
    ['mail by another way', { MAIL_URL: 'https://mail.example.com' }, ['MAIL_URL']],
    ['a password in its own URL', { PUBLIC_URL: 'https://:pw@api.example.com' }, ['PUBLIC_URL']],
    ['a port that is no decimal number', { PORT: '0x10' }, ['PORT']],
    ['more idle days than days at all', { SESSION_IDLE_DAYS: '200' }, ['SESSION_IDLE_DAYS']],
  ])('does not start with %s', (_, env, keys) => {
    expect(complaints({ ...PRODUCTION, ...env })).toEqual(keys);
  });

  it('takes Kakao without a secret, since it can be switched off there', () => {
    expect(loadConfig(PROVIDERS, { ...PRODUCTION, KAKAO_CLIENT_ID: 'id' }).providers.kakao).toMatchObject({
      clientSecret: undefined,
    });
  });

  it('takes pages on a sibling host under SameSite=Strict', () => {
    expect(complaints({ ...PRODUCTION, WEB_ORIGINS: 'https://www.example.com,https://example.com' })).toEqual(
      [],
    );
  });

  it('takes pages on another site under SameSite=None', () => {
    expect(
      complaints({ ...PRODUCTION, WEB_ORIGINS: 'https://example.org', COOKIE_SAMESITE: 'none' }),
    ).toEqual([]);
  });
});

describe('a setting that is wrong', () => {
  it('is reported together with all others', () => {
    expect(complaints({ NODE_ENV: 'production', PORT: 'x', TRUST_PROXY: 'all' })).toEqual([
      'AUTH_SECRET',
      'PORT',
      'PUBLIC_URL',
      'TRUST_PROXY',
    ]);
    expect(complaints({ NODE_ENV: 'production', TRUST_PROXY: 'all', WEB_ORIGINS: '*' })).toEqual([
      'AUTH_SECRET',
      'PUBLIC_URL',
      'TRUST_PROXY',
      'WEB_ORIGINS',
    ]);
  });

  it.each([
    ['DATABASE_URL', 'postgres://u:100%zz@db/x'],
    ['DATABASE_URL', 'postgres://'],
    ['DATABASE_URL', 'mysql://db/x'],
    ['REDIS_URL', 'redis://u:100%@cache'],
    ['REDIS_URL', 'redis://cache/name'],
    ['MAIL_URL', 'smtp://'],
    ['MAIL_FROM', 'nobody'],
    ['MAIL_FROM', 'a@example.com\nBcc: b@example.com'],
    ['MAIL_FROM', '대문 <대문@example.com>'],
    ['MAIL_FROM', '대문@example.com'],
    ['MAIL_FROM', 'two words@example.com'],
    ['MAIL_FROM', 'a@example.com>'],
    ['OAUTH_SANDBOX_URL', 'sandbox'],
    ['METRICS_PORT', '3000'],
    ['SANDBOX_PORT', '3000'],
    ['PORT', '65536'],
    ['DATABASE_POOL', '1'],
    ['ACCESS_TOKEN_TTL', '0'],
    ['SESSION_MAX_DAYS', '3651'],
    ['RATE_LIMIT_FACTOR', '-1'],
    ['SANDBOX_SMTP_PORT', '4000'],
  ])('is found before anything is started: %s=%s', (key, value) => {
    expect(complaints({ [key]: value })).toEqual([key]);
  });

  it('is not a name or a domain of MAIL_FROM in another script', () => {
    expect(complaints({ MAIL_FROM: '대문 <no-reply@대문.example>' })).toEqual([]);
  });

  it('is not a socket of PostgreSQL', () => {
    expect(complaints({ DATABASE_URL: 'postgres:///daemun?host=/var/run/postgresql' })).toEqual([]);
  });

  it('is named by its key and never by its value', () => {
    const values = fc.record(
      Object.fromEntries(
        CONFIG_KEYS.map((key) => [key, fc.string({ minLength: 12, maxLength: 40 }).map((s) => `~${s}~`)]),
      ),
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(values, (env) => {
        try {
          loadConfig(PROVIDERS, env);
        } catch (error) {
          const { message } = error as ConfigError;
          for (const value of Object.values(env)) expect(message).not.toContain(value);
        }
      }),
    );
  });
});

describe('secrets in the configuration', () => {
  it('cannot be printed', () => {
    const config = loadConfig(PROVIDERS, {
      ...PRODUCTION,
      GOOGLE_CLIENT_ID: 'id',
      GOOGLE_CLIENT_SECRET: 'hush',
      DATABASE_URL: 'postgres://u:hush@db/x',
    });
    for (const text of [JSON.stringify(config), inspect(config, { depth: 9 }), String(config.databaseUrl)]) {
      expect(text).not.toContain('hush');
      expect(text).not.toContain(SECRET);
    }
  });
});
