import { isIP } from 'node:net';
import { getDomain } from 'tldts';
import { z } from 'zod';
import { Secret } from './secret.js';

/** The providers that a person can log in with, in the order in which a page shows them. */
export const PROVIDER_IDS = ['google', 'kakao', 'naver'] as const;
export type ProviderId = (typeof PROVIDER_IDS)[number];

/** How we are registered at one provider. `clientSecret` is absent only at Kakao, where it can be switched off. */
export interface ProviderCredentials {
  readonly clientId: string;
  readonly clientSecret?: Secret;
  readonly scope: readonly string[];
}

/** Everything that can be set from outside, parsed once and frozen. The injection token is the class of the same name. */
export interface Config {
  readonly production: boolean;
  readonly port: number;
  readonly host: string;
  /** This API as browsers see it: an origin, without a trailing slash. Also the issuer of our tokens. */
  readonly publicUrl: string;
  /** Origins whose pages may call us with the cookie; the first is where people land. */
  readonly webOrigins: readonly [string, ...string[]];
  /** The first seals and signs, all of them open and verify. Empty outside production: then one is kept in `dataDir`. */
  readonly authSecrets: readonly Secret[];
  readonly databaseUrl?: Secret;
  readonly dataDir: string;
  readonly providers: Readonly<Partial<Record<ProviderId, ProviderCredentials>>>;
  /** Where the providers' endpoints are looked for instead of at the providers. Never in production. */
  readonly oauthSandboxUrl?: string;
  /** The built-in sandbox; `providers` is false when only its mail part runs. Never in production. */
  readonly sandbox?: { readonly port: number; readonly smtpPort: number; readonly providers: boolean };
  readonly mail: { readonly url?: Secret; readonly from: string };
  /** Seconds. */
  readonly accessTokenTtl: number;
  /** Seconds. */
  readonly sessionIdle: number;
  /** Seconds. */
  readonly sessionMax: number;
  /** Seconds; refresh.md calls it G. */
  readonly refreshGrace: number;
  readonly cookie: { readonly sameSite: 'strict' | 'lax' | 'none'; readonly secure: boolean };
  /** What Fastify's `trustProxy` takes: false, a number of hops, or a list of addresses. */
  readonly trustProxy: false | number | string[];
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
}
export abstract class Config {}

/** Every setting that is wrong, at once. Messages name the key and what to do, never the value. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly { key: string; message: string }[]) {
    super(
      `The configuration cannot be used:\n${problems.map(({ key, message }) => `  ${key}: ${message}`).join('\n')}`,
    );
    this.name = 'ConfigError';
  }
}

const unlessEmpty = (text: string) => (text.trim() === '' ? undefined : text.trim());
const text = z.string().transform(unlessEmpty).optional();
const list = z
  .string()
  .default('')
  .transform((value) =>
    value
      .split(',')
      .map((item) => item.trim())
      .filter(Boolean),
  );
const whole = (fallback: number, least: number, most: number) => {
  const message = `must be a whole number from ${least} to ${most}`;
  return z
    .string()
    .transform((value) => (value.trim() === '' ? fallback : Number(value)))
    .pipe(z.number({ error: message }).int(message).min(least, message).max(most, message))
    .default(fallback);
};
const days = (fallback: number) => {
  const message = 'must be a number of days, more than 0 and at most 3650';
  return z
    .string()
    .transform((value) => (value.trim() === '' ? fallback : Number(value)))
    .pipe(z.number({ error: message }).positive(message).max(3650, message))
    .default(fallback);
};
const oneOf = <const T extends readonly [string, ...string[]]>(values: T, fallback: T[number]) =>
  z.preprocess(
    (value) => (value === undefined || value === '' ? fallback : value),
    z.enum(values, { error: `must be one of ${values.join(', ')}` }),
  );

/** Each variable by itself; what they mean together is settled in {@link loadConfig}. */
const environment = z.object({
  NODE_ENV: z.string().default('development'),
  PORT: whole(3000, 1, 65535),
  HOST: text,
  PUBLIC_URL: text,
  WEB_ORIGINS: list,
  AUTH_SECRET: list,
  DATABASE_URL: text,
  DATA_DIR: z
    .string()
    .default('')
    .transform((value) => unlessEmpty(value) ?? './data'),
  GOOGLE_CLIENT_ID: z.string().trim().optional(),
  GOOGLE_CLIENT_SECRET: z.string().trim().optional(),
  GOOGLE_SCOPE: z.string().default(''),
  KAKAO_CLIENT_ID: z.string().trim().optional(),
  KAKAO_CLIENT_SECRET: z.string().trim().optional(),
  KAKAO_SCOPE: z.string().default(''),
  NAVER_CLIENT_ID: z.string().trim().optional(),
  NAVER_CLIENT_SECRET: z.string().trim().optional(),
  NAVER_SCOPE: z.string().default(''),
  OAUTH_SANDBOX_URL: text,
  SANDBOX_PORT: whole(4000, 1, 65535),
  SANDBOX_SMTP_PORT: whole(4025, 1, 65535),
  MAIL_URL: text,
  MAIL_FROM: z
    .string()
    .default('')
    .transform((value) => unlessEmpty(value) ?? 'Daemun <no-reply@localhost>'),
  // Ten minutes: the longest that a taken token can be used where nobody hears of the revocation.
  ACCESS_TOKEN_TTL: whole(600, 1, 3600),
  SESSION_IDLE_DAYS: days(30),
  SESSION_MAX_DAYS: days(180),
  // At least twice the 8 s after which our client gives up on a request: refresh.md says why.
  REFRESH_GRACE_SECONDS: whole(20, 0, 300),
  COOKIE_SAMESITE: oneOf(['strict', 'lax', 'none'], 'strict'),
  TRUST_PROXY: list,
  LOG_LEVEL: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'info'),
});
type Environment = z.output<typeof environment>;

/** The names of every setting, in the order of the schema; `.env.example` is held to them by a test. */
export const CONFIG_KEYS: readonly string[] = Object.keys(environment.shape);

/** What Kakao and Google show least of; Naver has no scopes, its console decides. */
const DEFAULT_SCOPE: Record<ProviderId, string> = {
  google: 'openid email profile',
  kakao: 'profile_nickname profile_image',
  naver: '',
};

/**
 * Reads the environment into a frozen {@link Config}.
 * @throws {ConfigError} naming every setting that is missing, malformed or unsafe.
 */
export function loadConfig(env: Readonly<Record<string, string | undefined>> = process.env): Config {
  const parsed = environment.safeParse(env);
  if (!parsed.success) {
    throw new ConfigError(
      parsed.error.issues.map((issue) => ({ key: String(issue.path[0]), message: issue.message })),
    );
  }
  const set = parsed.data;
  const problems: { key: string; message: string }[] = [];
  const refuse = (key: keyof Environment, message: string) => void problems.push({ key, message });
  const production = set.NODE_ENV === 'production';

  const publicUrl = originOf(set.PUBLIC_URL ?? `http://localhost:${set.PORT}`);
  if (publicUrl === undefined)
    refuse('PUBLIC_URL', 'must be an origin such as https://api.example.com, without a path');
  const webOrigins = checkWebOrigins(set, publicUrl, refuse);
  checkSecrets(set, production, refuse);
  if (set.DATABASE_URL !== undefined && !/^postgres(ql)?:\/\//.test(set.DATABASE_URL)) {
    refuse('DATABASE_URL', 'must begin with postgres:// or postgresql://');
  }
  if (set.MAIL_URL !== undefined && !/^smtps?:\/\//.test(set.MAIL_URL)) {
    refuse('MAIL_URL', 'must begin with smtp:// or smtps://');
  }
  if (set.SESSION_IDLE_DAYS > set.SESSION_MAX_DAYS) {
    refuse('SESSION_IDLE_DAYS', 'must not be more than SESSION_MAX_DAYS');
  }
  const secure = publicUrl?.startsWith('https:') ?? false;
  if (set.COOKIE_SAMESITE === 'none' && !secure) {
    refuse('COOKIE_SAMESITE', 'browsers take SameSite=None from https only; use an https PUBLIC_URL');
  }
  if (production) checkProduction(set, secure, webOrigins, refuse);

  const sandboxed = !production && set.OAUTH_SANDBOX_URL === undefined;
  const providers = readProviders(set, !production, refuse);
  const trustProxy = readTrustProxy(set.TRUST_PROXY, refuse);

  if (problems.length > 0 || publicUrl === undefined) throw new ConfigError(problems);
  const sandboxUrl = sandboxed ? `http://127.0.0.1:${set.SANDBOX_PORT}` : set.OAUTH_SANDBOX_URL;
  return Object.freeze({
    production,
    port: set.PORT,
    host: set.HOST ?? (production ? '0.0.0.0' : '127.0.0.1'),
    publicUrl,
    webOrigins: [webOrigins[0] ?? publicUrl, ...webOrigins.slice(1)] as const,
    authSecrets: set.AUTH_SECRET.map((secret) => new Secret(secret)),
    databaseUrl: set.DATABASE_URL === undefined ? undefined : new Secret(set.DATABASE_URL),
    dataDir: set.DATA_DIR,
    providers,
    oauthSandboxUrl: sandboxUrl?.replace(/\/+$/, ''),
    sandbox:
      !production && (sandboxed || set.MAIL_URL === undefined)
        ? { port: set.SANDBOX_PORT, smtpPort: set.SANDBOX_SMTP_PORT, providers: sandboxed }
        : undefined,
    mail: {
      url: readMailUrl(set, production),
      from: set.MAIL_FROM,
    },
    accessTokenTtl: set.ACCESS_TOKEN_TTL,
    sessionIdle: Math.round(set.SESSION_IDLE_DAYS * 86_400),
    sessionMax: Math.round(set.SESSION_MAX_DAYS * 86_400),
    refreshGrace: set.REFRESH_GRACE_SECONDS,
    cookie: { sameSite: set.COOKIE_SAMESITE, secure },
    trustProxy,
    logLevel: set.LOG_LEVEL,
  });
}

type Refuse = (key: keyof Environment, message: string) => void;

/** The origin of an http(s) URL that has nothing but an origin; undefined for anything else. */
function originOf(value: string): string | undefined {
  if (!URL.canParse(value)) return undefined;
  const url = new URL(value);
  const bare = url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '';
  return bare && (url.protocol === 'https:' || url.protocol === 'http:') ? url.origin : undefined;
}

function checkWebOrigins(set: Environment, publicUrl: string | undefined, refuse: Refuse): string[] {
  const origins: string[] = [];
  for (const value of set.WEB_ORIGINS) {
    const origin = originOf(value);
    if (value.includes('*'))
      refuse('WEB_ORIGINS', 'must list each origin; "*" would let any page use the cookie');
    else if (origin === undefined)
      refuse('WEB_ORIGINS', 'must be origins such as https://example.com, without a path');
    else origins.push(origin);
  }
  const crossSite = origins.some((origin) => publicUrl !== undefined && siteOf(origin) !== siteOf(publicUrl));
  if (crossSite && set.COOKIE_SAMESITE !== 'none') {
    refuse(
      'COOKIE_SAMESITE',
      'an origin in WEB_ORIGINS is cross-site to PUBLIC_URL, so its pages would never send the refresh cookie; ' +
        'serve both from one site, or set COOKIE_SAMESITE=none',
    );
  }
  return origins;
}

/** Scheme and registrable domain, which is what browsers compare for SameSite. */
function siteOf(origin: string): string {
  const { protocol, hostname } = new URL(origin);
  return `${protocol}//${isIP(hostname) ? hostname : (getDomain(hostname, { allowPrivateDomains: true }) ?? hostname)}`;
}

function checkSecrets(set: Environment, production: boolean, refuse: Refuse): void {
  if (set.AUTH_SECRET.length === 0 && production) {
    refuse('AUTH_SECRET', 'is required; make one with: openssl rand -base64 32');
  }
  for (const secret of set.AUTH_SECRET) {
    if (Buffer.byteLength(secret) < 32)
      refuse('AUTH_SECRET', 'must be at least 32 bytes; try: openssl rand -base64 32');
    // 32 random bytes in hex use 14 or more different characters but once in a million; "aaaa…" and "password…" do not.
    else if (new Set(secret).size < 12) refuse('AUTH_SECRET', 'must be random; try: openssl rand -base64 32');
  }
}

function checkProduction(set: Environment, secure: boolean, webOrigins: string[], refuse: Refuse): void {
  if (!secure) refuse('PUBLIC_URL', 'must be https in production');
  if (webOrigins.some((origin) => !origin.startsWith('https:'))) {
    refuse('WEB_ORIGINS', 'must be https in production');
  }
  if (set.OAUTH_SANDBOX_URL !== undefined) {
    refuse('OAUTH_SANDBOX_URL', 'must not be set in production: anyone could log in as anyone');
  }
  if (set.REFRESH_GRACE_SECONDS < 16) {
    refuse('REFRESH_GRACE_SECONDS', 'must be at least 16 in production, or lost answers log people out');
  }
}

function readProviders(set: Environment, sandboxed: boolean, refuse: Refuse): Config['providers'] {
  const providers: Partial<Record<ProviderId, ProviderCredentials>> = {};
  for (const id of PROVIDER_IDS) {
    const [idKey, secretKey, scopeKey] = (
      {
        google: ['GOOGLE_CLIENT_ID', 'GOOGLE_CLIENT_SECRET', 'GOOGLE_SCOPE'],
        kakao: ['KAKAO_CLIENT_ID', 'KAKAO_CLIENT_SECRET', 'KAKAO_SCOPE'],
        naver: ['NAVER_CLIENT_ID', 'NAVER_CLIENT_SECRET', 'NAVER_SCOPE'],
      } as const
    )[id];
    const clientId = set[idKey] ?? (sandboxed ? 'sandbox-client' : '');
    const clientSecret = set[secretKey] ?? (sandboxed ? 'sandbox-secret' : '');
    if (clientId === '') {
      if (set[secretKey]) refuse(idKey, `is missing while ${secretKey} is set`);
      continue;
    }
    if (clientSecret === '' && id !== 'kakao') {
      refuse(secretKey, `is missing while ${idKey} is set`);
      continue;
    }
    providers[id] = {
      clientId,
      clientSecret: clientSecret === '' ? undefined : new Secret(clientSecret),
      scope: (set[scopeKey].trim() || DEFAULT_SCOPE[id]).split(/[\s,]+/).filter(Boolean),
    };
  }
  return providers;
}

function readTrustProxy(values: readonly string[], refuse: Refuse): Config['trustProxy'] {
  const [first] = values;
  if (first === undefined) return false;
  if (values.length === 1 && /^\d{1,2}$/.test(first)) return Number(first) === 0 ? false : Number(first);
  for (const value of values) {
    const [address = '', bits, ...rest] = value.split('/');
    const family = isIP(address);
    const size = bits === undefined ? undefined : Number(bits);
    const fits =
      size === undefined || (Number.isInteger(size) && size >= 1 && size <= (family === 4 ? 32 : 128));
    if (family === 0 || !fits || rest.length > 0) {
      refuse(
        'TRUST_PROXY',
        'must be a number of hops, or addresses and CIDR blocks; trusting everyone is not possible',
      );
      return false;
    }
  }
  return [...values];
}

function readMailUrl(set: Environment, production: boolean): Secret | undefined {
  if (set.MAIL_URL !== undefined) return new Secret(set.MAIL_URL);
  return production ? undefined : new Secret(`smtp://127.0.0.1:${set.SANDBOX_SMTP_PORT}`);
}
