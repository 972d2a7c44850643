import { z } from 'zod';

export const MAX_SESSION_LIMIT = 1_000;

/** Services that production may reach without verified TLS if `ALLOW_PLAINTEXT` names them. */
export const PLAINTEXT_SERVICES = ['postgres', 'redis', 'smtp'] as const;

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
const integer = (fallback: number, min: number, max: number) => {
  const message = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .transform((value) => (value.trim() === '' ? fallback : /^\s*\d+\s*$/.test(value) ? Number(value) : NaN))
    .pipe(z.number({ error: message }).int(message).min(min, message).max(max, message))
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

/** Schema of each environment variable. `loadConfig` combines them, and checks.ts refuses unsafe combinations. */
export const environment = z.object({
  // No other value, because a misspelt "production" would start the sandbox.
  NODE_ENV: oneOf(['development', 'test', 'production'], 'development'),
  PORT: integer(3000, 1, 65535),
  HOST: text,
  PUBLIC_URL: text,
  WEB_ORIGINS: list,
  IMAGE_ORIGINS: list,
  AUTH_SECRET: list,
  DATABASE_URL: text,
  // At least two: background work takes one connection, requests the others.
  DATABASE_POOL: integer(10, 2, 1000),
  REDIS_URL: list,
  // Bounds the time until a logout or a change of roles reaches other processes without Redis.
  REVOCATION_POLL_SECONDS: integer(2, 0, 60),
  ALLOW_PLAINTEXT: list.pipe(
    z.array(z.enum(PLAINTEXT_SERVICES, { error: `must be some of ${PLAINTEXT_SERVICES.join(', ')}` })),
  ),
  DATA_DIR: z
    .string()
    .default('')
    .transform((value) => unlessEmpty(value) ?? './data'),
  OAUTH_SANDBOX_URL: text,
  SANDBOX_PORT: integer(4000, 1, 65535),
  SANDBOX_SMTP_PORT: integer(4025, 1, 65535),
  MAIL_URL: text,
  MAIL_FROM: z
    .string()
    .default('')
    .transform((value) => unlessEmpty(value) ?? 'Daemun <no-reply@localhost>'),
  // Ten minutes: bounds the use of a stolen token by services that do not receive revocations.
  ACCESS_TOKEN_TTL: integer(600, 1, 3600),
  SIGNING_KEY_DAYS: days(30),
  SESSION_IDLE_DAYS: days(30),
  SESSION_MAX_DAYS: days(180),
  SESSION_LIMIT: integer(50, 1, MAX_SESSION_LIMIT),
  // At least twice the request timeout of the client (8 s); docs/refresh.md has the reason.
  REFRESH_GRACE_SECONDS: integer(20, 0, 300),
  COOKIE_SAMESITE: oneOf(['strict', 'lax', 'none'], 'strict'),
  RATE_LIMIT_FACTOR: factor(1),
  TRUST_PROXY: list,
  METRICS_PORT: integer(0, 0, 65535),
  DOCS: oneOf(['', 'public', 'off'], ''),
  LOG_LEVEL: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'info'),
});
export type Environment = z.output<typeof environment>;

/** Records a wrong setting. All of them are reported together. */
export type Refuse = (key: string, message: string) => void;
