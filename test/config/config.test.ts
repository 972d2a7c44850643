import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PROVIDERS } from '../../src/auth/social/providers.js';
import { ConfigError, configKeys, loadConfig } from '../../src/config/config.js';
import { isGuessable } from '../../src/config/secret-strength.js';

const CONFIG_KEYS = configKeys(PROVIDERS);
const SECRET = 'kX9vQ2mN7pL4rT8wZ1yB6cD3fG5hJ0aS';
/** The minimal settings of production. */
const PRODUCTION = {
  NODE_ENV: 'production',
  AUTH_SECRET: SECRET,
  PUBLIC_URL: 'https://api.example.com',
  TRUST_PROXY: '1',
};

/** Returns the keys that are reported. */
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

  it('is equal to settings that are empty', () => {
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

  it('results in a frozen configuration', () => {
    const config = loadConfig(PROVIDERS, {});
    const parts = [config, config.cookie, config.webOrigins, config.providers, config.providers['google']];
    expect(parts.map((part) => Object.isFrozen(part))).toEqual(parts.map(() => true));
  });
});

describe('a provider outside production', () => {
  const provider = (env: Record<string, string>, id = 'google') => loadConfig(PROVIDERS, env).providers[id];

  it('uses the sandbox while it has no credentials', () => {
    expect(provider({})).toMatchObject({ clientId: 'sandbox-client', sandboxUrl: 'http://127.0.0.1:4000' });
  });

  it('uses the real provider when it has credentials', () => {
    const own = { GOOGLE_CLIENT_ID: 'real', GOOGLE_CLIENT_SECRET: 'real' };
    expect(provider(own)).toMatchObject({ clientId: 'real', sandboxUrl: undefined });
    expect(provider(own, 'kakao')).toMatchObject({ sandboxUrl: 'http://127.0.0.1:4000' });
  });

  it('uses a sandbox URL with given credentials', () => {
    const env = { OAUTH_SANDBOX_URL: 'http://127.0.0.1:9999/', GOOGLE_CLIENT_ID: 'mine' };
    expect(provider(env)).toMatchObject({ clientId: 'mine', sandboxUrl: 'http://127.0.0.1:9999' });
    expect(loadConfig(PROVIDERS, env).sandbox).toMatchObject({ providers: false });
  });

  it('is disabled by an empty client id', () => {
    expect(provider({ GOOGLE_CLIENT_ID: '' })).toBeUndefined();
  });

  it('has no secret if it is set but empty, and the provider allows it', () => {
    expect(provider({ KAKAO_CLIENT_SECRET: '' }, 'kakao')).toMatchObject({ clientSecret: undefined });
    expect(complaints({ GOOGLE_CLIENT_SECRET: '' })).toEqual(['GOOGLE_CLIENT_SECRET']);
  });

  it('requires a client id beside a secret', () => {
    expect(complaints({ GOOGLE_CLIENT_SECRET: 'secret' })).toEqual(['GOOGLE_CLIENT_ID']);
  });
});

describe('production', () => {
  it('starts with a secret, an https address and the number of proxies', () => {
    expect(complaints(PRODUCTION)).toEqual([]);
  });

  it('has no sandbox, and listens on all interfaces', () => {
    const config = loadConfig(PROVIDERS, PRODUCTION);
    expect(config.sandbox).toBeUndefined();
    expect(config.providers).toEqual({ google: undefined, kakao: undefined, naver: undefined });
    expect(config.host).toBe('0.0.0.0');
    expect(config.cookie.secure).toBe(true);
  });

  it.each<[string, Record<string, string>, string[]]>([
    ['a missing secret', { AUTH_SECRET: '' }, ['AUTH_SECRET']],
    ['a short secret', { AUTH_SECRET: 'kX9vQ2mN7pL4rT8w' }, ['AUTH_SECRET']],
    ['a secret of 31 bytes', { AUTH_SECRET: SECRET.slice(1) }, ['AUTH_SECRET']],
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
    ['no word about proxies', { TRUST_PROXY: '' }, ['TRUST_PROXY']],
    ['proxies that are there and are not', { TRUST_PROXY: 'none,127.0.0.1' }, ['TRUST_PROXY']],
    ['trust in every proxy', { TRUST_PROXY: 'all' }, ['TRUST_PROXY']],
    ['trust in every address', { TRUST_PROXY: '0.0.0.0/0' }, ['TRUST_PROXY']],
    ['trust in both halves of IPv4', { TRUST_PROXY: '0.0.0.0/1,128.0.0.0/1' }, ['TRUST_PROXY']],
    ['trust in all of IPv4 as mapped into IPv6', { TRUST_PROXY: '::ffff:0:0/96' }, ['TRUST_PROXY']],
    ['trust in half of IPv4 as mapped into IPv6', { TRUST_PROXY: '::ffff:0:0/97' }, ['TRUST_PROXY']],
    ['trust in a block of IPv6 that contains IPv4', { TRUST_PROXY: '::/16' }, ['TRUST_PROXY']],
    ['trust in an eighth of IPv6', { TRUST_PROXY: '2000::/3' }, ['TRUST_PROXY']],
    ['trust in more hops than there are proxies', { TRUST_PROXY: '99' }, ['TRUST_PROXY']],
    ['a database of another kind', { DATABASE_URL: 'mysql://localhost/x' }, ['DATABASE_URL']],
    ['mail by another way', { MAIL_URL: 'https://mail.example.com' }, ['MAIL_URL']],
    ['a password in its own URL', { PUBLIC_URL: 'https://:pw@api.example.com' }, ['PUBLIC_URL']],
    ['a port that is no decimal number', { PORT: '0x10' }, ['PORT']],
    ['more idle days than days at all', { SESSION_IDLE_DAYS: '200' }, ['SESSION_IDLE_DAYS']],
  ])('does not start with %s', (_, env, keys) => {
    expect(complaints({ ...PRODUCTION, ...env })).toEqual(keys);
  });

  it('starts without a proxy with TRUST_PROXY=none', () => {
    expect(loadConfig(PROVIDERS, { ...PRODUCTION, TRUST_PROXY: 'none' }).trustProxy).toBe(false);
  });

  it.each([
    '10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7',
    '203.0.113.7,2001:db8::7',
    '::ffff:10.0.0.0/104',
    '10',
  ])('starts behind the proxies %s', (TRUST_PROXY) => {
    expect(complaints({ ...PRODUCTION, TRUST_PROXY })).toEqual([]);
  });

  it.each([
    ['99', 'at most 10 hops'],
    ['0.0.0.0/1', 'at least /8 of IPv4 and /16 of IPv6'],
  ])('names the limit that TRUST_PROXY=%s exceeds', (TRUST_PROXY, message) => {
    expect(() => loadConfig(PROVIDERS, { ...PRODUCTION, TRUST_PROXY })).toThrow(message);
  });

  it.each([
    ['', 'off'],
    ['public', 'public'],
    ['off', 'off'],
  ])('with DOCS=%s has its documentation %s', (DOCS, docs) => {
    expect(loadConfig(PROVIDERS, { ...PRODUCTION, DOCS }).docs).toBe(docs);
  });

  it.each([
    'Daemun-Secret-Daemun-Secret-2026!!',
    'correct horse battery staple correct',
    'correcthorsebatterystaplecorrecthorse',
    'please-change-me-in-production-12345',
    'my-very-long-application-secret-key',
    'Our.Company.Auth.Secret.For.Production.2026',
    'S3cr3t-P4ssw0rd-F0r-Pr0duct10n-2026!',
    'The quick brown fox jumps over the lazy dog',
    'die Katze sitzt auf der Mauer und lauert',
    'not-a-secret-0123456789-abcdefghijklmnop',
    '0123456789abcdef0123456789abcdef',
    'qwertyuiopasdfghjklzxcvbnm1234567890',
    '대문-비밀번호-아무도-모르는-2026',
    Buffer.from('a phrase that nobody should guess').toString('base64'),
    Buffer.from('a phrase that nobody should guess').toString('hex'),
  ])('does not start with a guessable secret: %s', (AUTH_SECRET) => {
    expect(complaints({ ...PRODUCTION, AUTH_SECRET })).toEqual(['AUTH_SECRET']);
  });

  it('starts with every generated secret', () => {
    const characters = (alphabet: string, length: number) =>
      fc
        .array(fc.nat(alphabet.length - 1), { minLength: length, maxLength: length })
        .map((places) => places.map((place) => alphabet[place]).join(''));
    const bytes = fc.uint8Array({ minLength: 32, maxLength: 64 }).map((array) => Buffer.from(array));
    const [lower, digits] = ['abcdefghijklmnopqrstuvwxyz', '0123456789'];
    const all = lower + lower.toUpperCase() + digits;
    const secret = fc.noBias(
      fc.oneof(
        bytes.map((random) => random.toString('base64')),
        bytes.map((random) => random.toString('base64url')),
        bytes.map((random) => random.toString('hex')),
        characters(all, 32),
        characters(`${all}!@#$%^&*()-_=+[]{};:.<>?`, 40),
        characters(lower, 40),
        characters(`${lower.toUpperCase()}234567`, 52),
        fc.tuple(fc.uuid({ version: 4 }), fc.uuid({ version: 4 })).map((ids) => ids.join('')),
      ),
    );
    fc.assert(
      fc.property(secret, (AUTH_SECRET) => !isGuessable(AUTH_SECRET)),
      { numRuns: 5_000, seed: 20_260 },
    );
  });

  it('accepts a guessable old secret behind a strong secret (rotation)', () => {
    const AUTH_SECRET = `${SECRET},Daemun-Secret-Daemun-Secret-2026!!`;
    expect(complaints({ ...PRODUCTION, AUTH_SECRET })).toEqual([]);
  });

  describe('connections to other hosts', () => {
    it.each([
      ['DATABASE_URL', 'postgres', 'postgres://u:p@db/x'],
      ['DATABASE_URL', 'postgres', 'postgres://u:p@db/x?sslmode=disable'],
      ['DATABASE_URL', 'postgres', 'postgres://u:p@db/x?sslmode=prefer'],
      ['DATABASE_URL', 'postgres', 'postgres://u:p@db/x?sslmode=no-verify'],
      ['DATABASE_URL', 'postgres', 'postgres://u:p@db/x?sslmode=require&uselibpqcompat=true'],
      ['DATABASE_URL', 'postgres', 'postgres://u:p@localhost/x?host=10.0.0.7'],
      ['DATABASE_URL', 'postgres', 'postgres://u:p@localhost.example.com/x'],
      ['DATABASE_URL', 'postgres', 'postgres://u:p@db/x?sslmode=verify-full&sslmode=disable'],
      ['DATABASE_URL', 'postgres', 'postgres://u:p@db/x?ssl=true&ssl=false'],
      [
        'DATABASE_URL',
        'postgres',
        'postgres://u:p@db/x?sslmode=require&uselibpqcompat=false&uselibpqcompat=true',
      ],
      ['REDIS_URL', 'redis', 'redis://:p@cache'],
      ['REDIS_URL', 'redis', 'redis://:p@cache?host=127.0.0.1'],
      ['REDIS_URL', 'redis', 'rediss://:p@cache,redis://:p@cache2'],
      ['MAIL_URL', 'smtp', 'smtp://mail.example.com?ignoreTLS=true'],
      ['MAIL_URL', 'smtp', 'smtp://mail.example.com?requireTLS=false'],
      ['MAIL_URL', 'smtp', 'smtp://mail.example.com?opportunisticTLS=true'],
      ['MAIL_URL', 'smtp', 'smtps://mail.example.com?tls.rejectUnauthorized=false'],
    ])('use verified TLS unless ALLOW_PLAINTEXT names the service: %s, %s, %s', (key, service, url) => {
      expect(complaints({ ...PRODUCTION, [key]: url })).toEqual([key]);
      expect(() => loadConfig(PROVIDERS, { ...PRODUCTION, [key]: url })).toThrow(
        `ALLOW_PLAINTEXT=${service}`,
      );
      expect(complaints({ ...PRODUCTION, [key]: url, ALLOW_PLAINTEXT: service })).toEqual([]);
    });

    it.each([
      ['DATABASE_URL', 'postgres://u:p@db/x?sslmode=verify-full'],
      ['DATABASE_URL', 'postgres://u:p@db/x?sslmode=require'],
      ['DATABASE_URL', 'postgres://u:p@db/x?ssl=false&ssl=true'],
      ['DATABASE_URL', 'postgres://u:p@127.0.0.1/x'],
      ['DATABASE_URL', 'postgres://u:p@[::1]/x'],
      ['DATABASE_URL', 'postgres:///x?host=/var/run/postgresql'],
      ['REDIS_URL', 'rediss://:p@cache'],
      ['REDIS_URL', 'redis://localhost'],
      ['MAIL_URL', 'smtps://mail.example.com'],
      ['MAIL_URL', 'smtp://mail.example.com:587'],
    ])('are not plaintext: %s=%s', (key, url) => {
      expect(complaints({ ...PRODUCTION, [key]: url })).toEqual([]);
    });

    it.each([
      ['smtp://mail.example.com', '', true],
      ['smtp://mail.example.com', 'smtp', false],
      ['smtp://127.0.0.1:25', '', false],
    ])('require STARTTLS of %s with ALLOW_PLAINTEXT=%s: %s', (MAIL_URL, ALLOW_PLAINTEXT, requireTls) => {
      const { mail } = loadConfig(PROVIDERS, { ...PRODUCTION, MAIL_URL, ALLOW_PLAINTEXT });
      expect(mail.requireTls).toBe(requireTls);
    });

    it('verify certificates despite NODE_TLS_REJECT_UNAUTHORIZED=0', () => {
      expect(complaints({ ...PRODUCTION, NODE_TLS_REJECT_UNAUTHORIZED: '0' })).toEqual([
        'NODE_TLS_REJECT_UNAUTHORIZED',
      ]);
    });

    it('are unrestricted in development', () => {
      expect(complaints({ DATABASE_URL: 'postgres://db/x', REDIS_URL: 'redis://cache' })).toEqual([]);
    });
  });

  it('accepts Kakao without a client secret, because Kakao can switch it off', () => {
    expect(loadConfig(PROVIDERS, { ...PRODUCTION, KAKAO_CLIENT_ID: 'id' }).providers.kakao).toMatchObject({
      clientSecret: undefined,
    });
  });

  it('accepts pages on a sibling host under SameSite=Strict', () => {
    expect(complaints({ ...PRODUCTION, WEB_ORIGINS: 'https://www.example.com,https://example.com' })).toEqual(
      [],
    );
  });

  it('accepts pages on another site under SameSite=None', () => {
    expect(
      complaints({ ...PRODUCTION, WEB_ORIGINS: 'https://example.org', COOKIE_SAMESITE: 'none' }),
    ).toEqual([]);
  });
});

describe('a wrong setting', () => {
  it('is reported together with all other wrong settings', () => {
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
    ['IMAGE_ORIGINS', 'https:'],
    ['IMAGE_ORIGINS', '*'],
    ['IMAGE_ORIGINS', 'https://*'],
    ['IMAGE_ORIGINS', 'https://*.com'],
    ['IMAGE_ORIGINS', 'http://images.example.com'],
    ['IMAGE_ORIGINS', 'https://images.example.com/me'],
    ['IMAGE_ORIGINS', "https://images.example.com; script-src 'unsafe-inline'"],
    ['IMAGE_ORIGINS', 'none,https://images.example.com'],
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
    ['DOCS', 'private'],
    ['ALLOW_PLAINTEXT', 'postgres,everything'],
    ['PORT', '65536'],
    ['DATABASE_POOL', '1'],
    ['ACCESS_TOKEN_TTL', '0'],
    ['SESSION_MAX_DAYS', '3651'],
    ['RATE_LIMIT_FACTOR', '-1'],
    ['SANDBOX_SMTP_PORT', '4000'],
  ])('is reported before anything starts: %s=%s', (key, value) => {
    expect(complaints({ [key]: value })).toEqual([key]);
  });

  it('is not a MAIL_FROM with a name or domain in another script', () => {
    expect(complaints({ MAIL_FROM: '대문 <no-reply@대문.example>' })).toEqual([]);
  });

  it('is not a PostgreSQL socket', () => {
    expect(complaints({ DATABASE_URL: 'postgres:///daemun?host=/var/run/postgresql' })).toEqual([]);
  });

  it('is reported by its key, never by its value', () => {
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
      DATABASE_URL: 'postgres://u:hush@db/x?sslmode=verify-full',
    });
    for (const text of [JSON.stringify(config), inspect(config, { depth: 9 }), String(config.databaseUrl)]) {
      expect(text).not.toContain('hush');
      expect(text).not.toContain(SECRET);
    }
  });
});
