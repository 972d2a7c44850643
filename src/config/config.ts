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
} from './checks.js';
import { environment, type Environment, type Refuse } from './environment.js';
import { keysOf, readProvider, type ProviderCredentials, type ProviderSettings } from './providers.js';
import { checkTransport, isLocal } from './transport-security.js';
import { OperatorError } from './operator-error.js';
import { Secret } from './secret.js';

/** All settings, parsed once and frozen. The class is the injection token; {@link loadConfig} makes the object. */
export abstract class Config {
  abstract readonly production: boolean;
  abstract readonly port: number;
  abstract readonly host: string;
  /** Origin of this API for browsers, without a trailing slash. Also the issuer of access tokens. */
  abstract readonly publicUrl: string;
  /** Origins whose pages may send the refresh cookie. Redirects after a login and links in mails lead to the first. */
  abstract readonly webOrigins: readonly [string, ...string[]];
  /** Origins of profile pictures, for `img-src` of the content security policy. */
  abstract readonly imageOrigins: readonly string[];
  /** The first secret seals and signs, all of them open and verify. Empty in development: a secret is kept in `dataDir`. */
  abstract readonly authSecrets: readonly Secret[];
  abstract readonly databaseUrl?: Secret;
  /** Largest number of database connections of this process. */
  abstract readonly databasePool: number;
  /** Empty: no Redis. One URL: a server. Several: nodes of a cluster. */
  abstract readonly redisUrls: readonly Secret[];
  /** Interval of revocation polls; 0 if there are no other processes. */
  abstract readonly revocationPollS: number;
  abstract readonly dataDir: string;
  /** Enabled providers, by id. */
  abstract readonly providers: Readonly<Record<string, ProviderCredentials | undefined>>;
  /** The built-in sandbox; `providers` is false if only its mail server runs. Never in production. */
  abstract readonly sandbox?: {
    readonly port: number;
    readonly smtpPort: number;
    readonly providers: boolean;
  };
  /** Mail relay. Production requires STARTTLS for `smtp://`, unless `ALLOW_PLAINTEXT` names `smtp`. */
  abstract readonly mail: { readonly url?: Secret; readonly from: string; readonly requireTls: boolean };
  abstract readonly accessTokenTtlS: number;
  /** Lifetime of a signing key, until the next key signs. */
  abstract readonly signingKeyPeriodS: number;
  abstract readonly sessionIdleS: number;
  abstract readonly sessionMaxS: number;
  /** Largest number of live sessions of an account. */
  abstract readonly sessionLimit: number;
  /** Grace period of refresh token rotation: `G` in docs/refresh.md. */
  abstract readonly refreshGraceS: number;
  /** Factor of all rate limits. */
  abstract readonly rateLimitFactor: number;
  abstract readonly cookie: { readonly sameSite: 'strict' | 'lax' | 'none'; readonly secure: boolean };
  /** Trusted proxies: a number of hops, or a list of addresses and CIDR blocks. */
  abstract readonly trustProxy: false | number | string[];
  /** Separate port for `/metrics`. Default: the main port in development, none in production. */
  abstract readonly metricsPort?: number;
  /** `public`: Swagger UI and the OpenAPI document are served. */
  abstract readonly docs: 'public' | 'off';
  abstract readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
}

/** All wrong settings together. Messages have the setting and the remedy, never the value. */
export class ConfigError extends OperatorError {
  constructor(readonly problems: readonly { key: string; message: string }[]) {
    super(
      `The configuration cannot be used:\n${problems.map(({ key, message }) => `  ${key}: ${message}`).join('\n')}`,
    );
    this.name = 'ConfigError';
  }
}

/** Returns the names of all settings. A test compares them with `.env.example`. */
export function configKeys(providers: readonly ProviderSettings[]): string[] {
  return [
    ...Object.keys(environment.shape),
    ...providers.flatMap((provider) => Object.values(keysOf(provider))),
  ];
}

/**
 * Reads the environment into a frozen {@link Config}.
 * @throws {ConfigError} with every setting that is missing, malformed or unsafe.
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
  // Malformed settings count as unset from here on, so that the other settings are checked as well.
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
    // The embedded database admits one process.
    revocationPollS: set.DATABASE_URL === undefined ? 0 : set.REVOCATION_POLL_SECONDS,
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
    accessTokenTtlS: set.ACCESS_TOKEN_TTL,
    signingKeyPeriodS: Math.round(set.SIGNING_KEY_DAYS * 86_400),
    sessionIdleS: Math.round(set.SESSION_IDLE_DAYS * 86_400),
    sessionMaxS: Math.round(set.SESSION_MAX_DAYS * 86_400),
    sessionLimit: set.SESSION_LIMIT,
    refreshGraceS: set.REFRESH_GRACE_SECONDS,
    rateLimitFactor: set.RATE_LIMIT_FACTOR,
    cookie: { sameSite: set.COOKIE_SAMESITE, secure },
    trustProxy,
    metricsPort: set.METRICS_PORT === 0 ? undefined : set.METRICS_PORT,
    docs: set.DOCS === '' ? (production ? 'off' : 'public') : set.DOCS,
    logLevel: set.LOG_LEVEL,
  });
}

function deepFreeze<T extends object>(value: T): Readonly<T> {
  for (const part of Object.values(value))
    if (typeof part === 'object' && part !== null) deepFreeze(part as object);
  return Object.freeze(value);
}

function requiresTls({ MAIL_URL, ALLOW_PLAINTEXT }: Environment, production: boolean): boolean {
  return production && MAIL_URL !== undefined && !isLocal(MAIL_URL) && !ALLOW_PLAINTEXT.includes('smtp');
}

function readMailUrl(set: Environment, production: boolean): Secret | undefined {
  if (set.MAIL_URL !== undefined) return new Secret(set.MAIL_URL);
  return production ? undefined : new Secret(`smtp://127.0.0.1:${set.SANDBOX_SMTP_PORT}`);
}
