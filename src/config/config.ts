import { z } from 'zod';
import {
  checkTls,
  checkPorts,
  checkProduction,
  checkSecrets,
  checkWebOrigins,
  isServerUrl,
  originOf,
  readImageOrigins,
  readTrustProxy,
  SERVER_URL,
  type Refuse,
} from './checks.js';
import { checkTransport, isLocal, PLAINTEXT_SERVICES } from './transport-security.js';
import { OperatorError } from './operator-error.js';
import { Secret } from './secret.js';

/** Largest `SESSION_LIMIT`. */
export const MOST_SESSIONS = 1_000;

/** What the configuration must know of a provider; `auth/social/` says it of each. */
export interface ProviderSettings {
  /** `kakao` reads `KAKAO_CLIENT_ID`, `KAKAO_CLIENT_SECRET` and `KAKAO_SCOPE`. */
  readonly id: string;
  /** What is asked for where `…_SCOPE` says nothing: as little as possible. */
  readonly defaultScope: string;
  /** Whether the provider can be used without a client secret. */
  readonly secretOptional?: boolean;
  /** Hosts of the pictures of its profiles: the page shows them without asking its readers. */
  readonly pictureOrigins?: readonly string[];
  /** Whether its console has a key for servers: then `…_ADMIN_KEY` and `…_APP_ID` are read, too. */
  readonly hasAdminKey?: boolean;
}

/** How we are registered at one provider, and where it is. */
export interface ProviderCredentials {
  readonly clientId: string;
  readonly clientSecret?: Secret;
  /** With it a connection can be ended without the person's token, and the provider's notices can be believed. */
  readonly adminKey?: Secret;
  readonly appId?: string;
  readonly scope: readonly string[];
  /** Look for its endpoints at `<this>/<real host>/<real path>` instead. Never in production. */
  readonly sandboxUrl?: string;
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
  /** Sources of pictures from elsewhere that the page shows, as in a content security policy. */
  readonly imageOrigins: readonly string[];
  /** The first seals and signs, all of them open and verify. Empty outside production: then one is kept in `dataDir`. */
  readonly authSecrets: readonly Secret[];
  readonly databaseUrl?: Secret;
  /** Connections to the database that this process keeps at most. */
  readonly databasePool: number;
  /** None: no Redis. One: a server. Several: nodes of a cluster. */
  readonly redisUrls: readonly Secret[];
  /** How often (s) to ask the database what other processes ended; 0 where there are none. */
  readonly revocationPoll: number;
  readonly dataDir: string;
  /** Those with credentials, by id. */
  readonly providers: Readonly<Record<string, ProviderCredentials | undefined>>;
  /** The built-in sandbox; `providers` is false when only its mail part runs. Never in production. */
  readonly sandbox?: { readonly port: number; readonly smtpPort: number; readonly providers: boolean };
  /** Production requires STARTTLS of `smtp://`, unless `ALLOW_PLAINTEXT` names it. */
  readonly mail: { readonly url?: Secret; readonly from: string; readonly requireTls: boolean };
  /** Seconds. */
  readonly accessTokenTtl: number;
  /** Seconds that a key signs for before the next one does. */
  readonly signingKeyPeriod: number;
  /** Seconds. */
  readonly sessionIdle: number;
  /** Seconds. */
  readonly sessionMax: number;
  /** Living sessions of an account at most. */
  readonly sessionLimit: number;
  /** Seconds; refresh.md calls it G. */
  readonly refreshGrace: number;
  /** Every limit on how often something may be done is so many times as high. */
  readonly rateLimitFactor: number;
  readonly cookie: { readonly sameSite: 'strict' | 'lax' | 'none'; readonly secure: boolean };
  /** What Fastify's `trustProxy` takes: false, a number of hops, or a list of addresses. */
  readonly trustProxy: false | number | string[];
  /** A port for `/metrics` alone. Without it, `/metrics` is beside everything else, and in production nowhere. */
  readonly metricsPort?: number;
  /** `public` where Swagger UI and the OpenAPI document are served. */
  readonly docs: 'public' | 'off';
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
}
export abstract class Config {}

/** Every setting that is wrong, at once. Messages name the key and what to do, never the value. */
export class ConfigError extends OperatorError {
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
    .transform((value) => (value.trim() === '' ? fallback : /^\s*\d+\s*$/.test(value) ? Number(value) : NaN))
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
const factor = (fallback: number) => {
  const message = 'must be a number, more than 0 and at most 1000';
  return z
    .string()
    .transform((value) => (value.trim() === '' ? fallback : Number(value)))
    .pipe(z.number({ error: message }).positive(message).max(1_000, message))
    .default(fallback);
};
const oneOf = <const T extends readonly [string, ...string[]]>(values: T, fallback: T[number]) =>
  z.preprocess(
    (value) => (value === undefined || value === '' ? fallback : value),
    z.enum(values, { error: `must be one of ${values.filter(Boolean).join(', ')}` }),
  );

/** Each variable by itself; what they mean together is settled in {@link loadConfig}, what must not be in `config-checks.ts`. */
const environment = z.object({
  // Something that merely looks like "production" would start the sandbox.
  NODE_ENV: oneOf(['development', 'test', 'production'], 'development'),
  PORT: whole(3000, 1, 65535),
  HOST: text,
  PUBLIC_URL: text,
  WEB_ORIGINS: list,
  IMAGE_ORIGINS: list,
  AUTH_SECRET: list,
  DATABASE_URL: text,
  // Background work takes one connection while requests have the others.
  DATABASE_POOL: whole(10, 2, 1000),
  REDIS_URL: list,
  // Only the longest time that it takes where Redis does not tell: a log-out, or a role, reaches other processes by then.
  REVOCATION_POLL_SECONDS: whole(2, 0, 60),
  ALLOW_PLAINTEXT: list.pipe(
    z.array(z.enum(PLAINTEXT_SERVICES, { error: `must be some of ${PLAINTEXT_SERVICES.join(', ')}` })),
  ),
  DATA_DIR: z
    .string()
    .default('')
    .transform((value) => unlessEmpty(value) ?? './data'),
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
  SIGNING_KEY_DAYS: days(30),
  SESSION_IDLE_DAYS: days(30),
  SESSION_MAX_DAYS: days(180),
  SESSION_LIMIT: whole(50, 1, MOST_SESSIONS),
  // At least twice the 8 s after which our client gives up on a request: refresh.md says why.
  REFRESH_GRACE_SECONDS: whole(20, 0, 300),
  COOKIE_SAMESITE: oneOf(['strict', 'lax', 'none'], 'strict'),
  RATE_LIMIT_FACTOR: factor(1),
  TRUST_PROXY: list,
  METRICS_PORT: whole(0, 0, 65535),
  DOCS: oneOf(['', 'public', 'off'], ''),
  LOG_LEVEL: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'info'),
});
export type Environment = z.output<typeof environment>;

/** The names of every setting; `.env.example` is held to them by a test. */
export function configKeys(providers: readonly ProviderSettings[]): string[] {
  return [
    ...Object.keys(environment.shape),
    ...providers.flatMap((provider) => Object.values(keysOf(provider))),
  ];
}

/**
 * Reads the environment into a frozen {@link Config}.
 * @throws {ConfigError} naming every setting that is missing, malformed or unsafe.
 */
export function loadConfig(
  settings: readonly ProviderSettings[],
  env: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  const parsed = environment.safeParse(env);
  const problems = (parsed.error?.issues ?? []).map(({ path, message }) => ({
    key: String(path[0]),
    message,
  }));
  const refuse: Refuse = (key, message) => void problems.push({ key, message });
  // What is malformed counts as unset from here on, so that the other settings can be judged, too.
  const malformed = Object.fromEntries(problems.map(({ key }) => [key, undefined]));
  const set = parsed.data ?? environment.parse({ ...env, ...malformed });
  const production = set.NODE_ENV === 'production';

  const publicUrl = originOf(set.PUBLIC_URL ?? `http://localhost:${set.PORT}`);
  if (publicUrl === undefined)
    refuse('PUBLIC_URL', 'must be an origin such as https://api.example.com, without a path');
  const webOrigins = checkWebOrigins(set, publicUrl, refuse);
  const imageOrigins = readImageOrigins(set.IMAGE_ORIGINS, settings, refuse);
  checkSecrets(set, production, refuse);
  if (set.DATABASE_URL !== undefined && !isServerUrl(set.DATABASE_URL, ['postgres', 'postgresql'])) {
    refuse(
      'DATABASE_URL',
      `must be a postgres:// URL ${SERVER_URL}. Neither quotes, jdbc: nor several hosts are possible`,
    );
  } else if (set.DATABASE_URL !== undefined) checkTls(set.DATABASE_URL, refuse);
  if (
    set.REDIS_URL.some(
      (url) => !isServerUrl(url, ['redis', 'rediss']) || !/^\/?\d*$/.test(new URL(url).pathname),
    )
  ) {
    refuse(
      'REDIS_URL',
      `must be a redis:// or rediss:// URL ${SERVER_URL}; several nodes of a cluster are separated by commas`,
    );
  }
  if (set.MAIL_URL !== undefined && !isServerUrl(set.MAIL_URL, ['smtp', 'smtps'])) {
    refuse('MAIL_URL', `must be an smtp:// or smtps:// URL ${SERVER_URL}`);
  }
  if (
    !/^(?:[^\p{Cc}<>@]*<(?:(?![<>@])[\x21-\x7e])+@[^\s<>@]+>|(?:(?![<>@])[\x21-\x7e])+@[^\s<>@]+)$/u.test(
      set.MAIL_FROM,
    )
  ) {
    refuse(
      'MAIL_FROM',
      'must be an address with only ASCII characters before the @, such as Daemun <no-reply@example.com>',
    );
  }
  if (set.OAUTH_SANDBOX_URL !== undefined && !isServerUrl(set.OAUTH_SANDBOX_URL, ['http', 'https'])) {
    refuse('OAUTH_SANDBOX_URL', 'must be an http:// or https:// URL');
  }
  if (set.SESSION_IDLE_DAYS > set.SESSION_MAX_DAYS) {
    refuse('SESSION_IDLE_DAYS', 'must not be more than SESSION_MAX_DAYS');
  }
  const secure = publicUrl?.startsWith('https:') ?? false;
  if (set.COOKIE_SAMESITE === 'none' && !secure) {
    refuse('COOKIE_SAMESITE', 'browsers take SameSite=None from https only; use an https PUBLIC_URL');
  }
  if (production) {
    checkProduction(set, secure, webOrigins, refuse);
    checkTransport(set, refuse);
    if (env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0')
      refuse('NODE_TLS_REJECT_UNAUTHORIZED', 'must not be 0 in production: no certificate would be verified');
  }
  const ownSandbox = !production && set.OAUTH_SANDBOX_URL === undefined;
  const runsSandbox = !production && (ownSandbox || set.MAIL_URL === undefined);
  checkPorts(
    {
      PORT: set.PORT,
      METRICS_PORT: set.METRICS_PORT,
      SANDBOX_PORT: runsSandbox ? set.SANDBOX_PORT : undefined,
      SANDBOX_SMTP_PORT: runsSandbox ? set.SANDBOX_SMTP_PORT : undefined,
    },
    refuse,
  );
  const providers = Object.fromEntries(
    settings.map((provider) => [provider.id, readProvider(provider, env, set, production, refuse)]),
  );
  const trustProxy = readTrustProxy(set.TRUST_PROXY, refuse);

  if (problems.length > 0 || publicUrl === undefined) throw new ConfigError(problems);
  return deepFreeze({
    production,
    port: set.PORT,
    host: set.HOST ?? (production ? '0.0.0.0' : '127.0.0.1'),
    publicUrl,
    webOrigins: [webOrigins[0] ?? publicUrl, ...webOrigins.slice(1)] as const,
    imageOrigins,
    authSecrets: set.AUTH_SECRET.map((secret) => new Secret(secret)),
    databaseUrl: set.DATABASE_URL === undefined ? undefined : new Secret(set.DATABASE_URL),
    redisUrls: set.REDIS_URL.map((url) => new Secret(url)),
    databasePool: set.DATABASE_POOL,
    // The embedded database belongs to one process.
    revocationPoll: set.DATABASE_URL === undefined ? 0 : set.REVOCATION_POLL_SECONDS,
    dataDir: set.DATA_DIR,
    providers,
    sandbox: runsSandbox
      ? { port: set.SANDBOX_PORT, smtpPort: set.SANDBOX_SMTP_PORT, providers: ownSandbox }
      : undefined,
    mail: {
      url: readMailUrl(set, production),
      from: set.MAIL_FROM,
      requireTls: requiresTls(set, production),
    },
    accessTokenTtl: set.ACCESS_TOKEN_TTL,
    signingKeyPeriod: Math.round(set.SIGNING_KEY_DAYS * 86_400),
    sessionIdle: Math.round(set.SESSION_IDLE_DAYS * 86_400),
    sessionMax: Math.round(set.SESSION_MAX_DAYS * 86_400),
    sessionLimit: set.SESSION_LIMIT,
    refreshGrace: set.REFRESH_GRACE_SECONDS,
    rateLimitFactor: set.RATE_LIMIT_FACTOR,
    cookie: { sameSite: set.COOKIE_SAMESITE, secure },
    trustProxy,
    metricsPort: set.METRICS_PORT === 0 ? undefined : set.METRICS_PORT,
    docs: set.DOCS === '' ? (production ? 'off' : 'public') : set.DOCS,
    logLevel: set.LOG_LEVEL,
  });
}

/** Freezes what a setting is made of as well. Secrets keep what is in them to themselves. */
function deepFreeze<T extends object>(value: T): Readonly<T> {
  for (const part of Object.values(value))
    if (typeof part === 'object' && part !== null) deepFreeze(part as object);
  return Object.freeze(value);
}

function keysOf({ id, hasAdminKey = false }: ProviderSettings): {
  readonly id: string;
  readonly secret: string;
  readonly scope: string;
  readonly adminKey?: string;
  readonly appId?: string;
} {
  const name = id.toUpperCase();
  return {
    id: `${name}_CLIENT_ID`,
    secret: `${name}_CLIENT_SECRET`,
    scope: `${name}_SCOPE`,
    ...(hasAdminKey && { adminKey: `${name}_ADMIN_KEY`, appId: `${name}_APP_ID` }),
  };
}

/**
 * Undefined where the provider is not to be used. Outside production it has the sandbox's credentials unless it was given
 * some; with an id of its own, and no sandbox but ours, it is the real one.
 */
function readProvider(
  provider: ProviderSettings,
  env: Readonly<Record<string, string | undefined>>,
  set: Environment,
  production: boolean,
  refuse: Refuse,
): ProviderCredentials | undefined {
  const { defaultScope, secretOptional = false } = provider;
  const keys = keysOf(provider);
  const [ownId, ownSecret] = [env[keys.id]?.trim(), env[keys.secret]?.trim()];
  if (ownId === undefined && ownSecret) refuse(keys.id, `is missing while ${keys.secret} is set`);
  const sandboxed = !production && (set.OAUTH_SANDBOX_URL !== undefined || ownId === undefined);
  const clientId = ownId ?? (sandboxed ? 'sandbox-client' : '');
  const clientSecret = ownSecret ?? (sandboxed ? 'sandbox-secret' : '');
  if (clientId === '') {
    if (ownSecret) refuse(keys.id, `is missing while ${keys.secret} is set`);
    return undefined;
  }
  if (clientSecret === '' && !secretOptional) {
    refuse(keys.secret, `is missing while ${keys.id} is set`);
    return undefined;
  }
  return {
    clientId,
    clientSecret: clientSecret === '' ? undefined : new Secret(clientSecret),
    adminKey: readAdminKey(keys.adminKey, env, sandboxed),
    appId: (keys.appId && env[keys.appId]?.trim()) || undefined,
    scope: (env[keys.scope]?.trim() || defaultScope).split(/[\s,]+/).filter(Boolean),
    sandboxUrl: sandboxed
      ? (set.OAUTH_SANDBOX_URL ?? `http://127.0.0.1:${set.SANDBOX_PORT}`).replace(/\/+$/, '')
      : undefined,
  };
}

function readAdminKey(
  key: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  sandboxed: boolean,
): Secret | undefined {
  if (key === undefined) return undefined;
  const value = env[key]?.trim() ?? (sandboxed ? 'sandbox-admin-key' : '');
  return value === '' ? undefined : new Secret(value);
}

function requiresTls({ MAIL_URL, ALLOW_PLAINTEXT }: Environment, production: boolean): boolean {
  return production && MAIL_URL !== undefined && !isLocal(MAIL_URL) && !ALLOW_PLAINTEXT.includes('smtp');
}

function readMailUrl(set: Environment, production: boolean): Secret | undefined {
  if (set.MAIL_URL !== undefined) return new Secret(set.MAIL_URL);
  return production ? undefined : new Secret(`smtp://127.0.0.1:${set.SANDBOX_SMTP_PORT}`);
}
