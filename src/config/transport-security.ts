import { PLAINTEXT_SERVICES, type Environment, type Refuse } from './environment.js';
import { lastOf } from './checks.js';

type PlaintextService = (typeof PLAINTEXT_SERVICES)[number];

/** Returns true for a URL with a loopback address, `localhost` or a Unix socket. */
export function isLocal(value: string): boolean {
  const { protocol, hostname, searchParams } = new URL(value);
  // A PostgreSQL URL may have the host, or the folder of a socket, as `?host=`.
  const named = protocol.startsWith('postgres') ? lastOf(searchParams, 'host') : undefined;
  const host = (named ?? hostname).replace(/^\[|\]$/g, '');
  return host.startsWith('/') || host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Values of `sslmode` with which pg encrypts and verifies the certificate. */
const VERIFIED = ['require', 'verify-ca', 'verify-full'];

function isVerifiedPostgres(value: string): boolean {
  const { searchParams } = new URL(value);
  const mode = lastOf(searchParams, 'sslmode');
  // With the semantics of libpq, only `verify-full` checks certificate and host name.
  if (lastOf(searchParams, 'uselibpqcompat') === 'true') return mode === 'verify-full';
  if (mode !== undefined) return VERIFIED.includes(mode);
  return ['true', '1'].includes(lastOf(searchParams, 'ssl') ?? '') || searchParams.has('sslrootcert');
}

/** Options of nodemailer with which a URL could switch TLS or its verification off. */
const SMTP_TLS_OPTIONS = ['requireTLS', 'ignoreTLS', 'opportunisticTLS', 'secure', 'tls.rejectUnauthorized'];

/** Returns true for a URL without TLS options: `smtp://` then uses STARTTLS, which the mailer requires. */
function isVerifiedSmtp(value: string): boolean {
  const { searchParams } = new URL(value);
  return !SMTP_TLS_OPTIONS.some((name) => searchParams.has(name));
}

/** Refuses connections to other hosts without verified TLS, in production. */
export function checkTransport(set: Environment, refuse: Refuse): void {
  const check = (
    key: string,
    service: PlaintextService,
    urls: readonly string[],
    isVerified: (url: string) => boolean,
    remedy: string,
  ) => {
    if (set.ALLOW_PLAINTEXT.includes(service)) return;
    if (urls.every((url) => !URL.canParse(url) || isLocal(url) || isVerified(url))) return;
    refuse(
      key,
      `must use verified TLS in production to any host but this one: ${remedy}. ` +
        `For a private network set ALLOW_PLAINTEXT=${service}`,
    );
  };
  const postgres = set.DATABASE_URL === undefined ? [] : [set.DATABASE_URL];
  const smtp = set.MAIL_URL === undefined ? [] : [set.MAIL_URL];
  const isRediss = (url: string) => url.startsWith('rediss:');
  check('DATABASE_URL', 'postgres', postgres, isVerifiedPostgres, 'add sslmode=verify-full');
  check('REDIS_URL', 'redis', set.REDIS_URL, isRediss, 'use rediss://');
  check('MAIL_URL', 'smtp', smtp, isVerifiedSmtp, `leave out ${SMTP_TLS_OPTIONS.join(', ')}`);
}

/** Returns the settings with a URL of another host that has no password. */
export function storesWithoutPassword(urls: Readonly<Record<string, readonly string[]>>): string[] {
  return Object.entries(urls).flatMap(([key, values]) =>
    values.some((url) => !isLocal(url) && new URL(url).password === '') ? [key] : [],
  );
}
