import { PLAINTEXT_SERVICES, type Environment, type Refuse } from './environment.js';
import { lastOf } from './checks.js';

type PlaintextService = (typeof PLAINTEXT_SERVICES)[number];

/** True where a URL leads to this machine: by a loopback address, `localhost` or a Unix socket. */
export function isLocal(value: string): boolean {
  const { protocol, hostname, searchParams } = new URL(value);
  // PostgreSQL's URLs may name the host, or the folder of a socket, as `?host=`.
  const named = protocol.startsWith('postgres') ? lastOf(searchParams, 'host') : undefined;
  const host = (named ?? hostname).replace(/^\[|\]$/g, '');
  return host.startsWith('/') || host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Modes of pg that encrypt and verify the certificate. */
const VERIFIED = ['require', 'verify-ca', 'verify-full'];

function isVerifiedPostgres(value: string): boolean {
  const { searchParams } = new URL(value);
  const mode = lastOf(searchParams, 'sslmode');
  // As libpq understands it, every mode but the last accepts any certificate of some kind.
  if (lastOf(searchParams, 'uselibpqcompat') === 'true') return mode === 'verify-full';
  if (mode !== undefined) return VERIFIED.includes(mode);
  return ['true', '1'].includes(lastOf(searchParams, 'ssl') ?? '') || searchParams.has('sslrootcert');
}

/** Options of nodemailer by which a URL could change what is required. */
const SMTP_TLS_OPTIONS = ['requireTLS', 'ignoreTLS', 'opportunisticTLS', 'secure', 'tls.rejectUnauthorized'];

/** `smtp://` encrypts by STARTTLS, which the mailer requires, unless the URL itself says otherwise. */
function isVerifiedSmtp(value: string): boolean {
  const { searchParams } = new URL(value);
  return !SMTP_TLS_OPTIONS.some((name) => searchParams.has(name));
}

/** Refuses connections of production that others on the network could read or change. */
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
        `Where the network itself is private, ALLOW_PLAINTEXT=${service} says so`,
    );
  };
  const postgres = set.DATABASE_URL === undefined ? [] : [set.DATABASE_URL];
  const smtp = set.MAIL_URL === undefined ? [] : [set.MAIL_URL];
  const isRediss = (url: string) => url.startsWith('rediss:');
  check('DATABASE_URL', 'postgres', postgres, isVerifiedPostgres, 'add sslmode=verify-full');
  check('REDIS_URL', 'redis', set.REDIS_URL, isRediss, 'use rediss://');
  check('MAIL_URL', 'smtp', smtp, isVerifiedSmtp, `leave out ${SMTP_TLS_OPTIONS.join(', ')}`);
}

/** The stores on other hosts whose URL has no password, by their setting. */
export function storesWithoutPassword(urls: Readonly<Record<string, readonly string[]>>): string[] {
  return Object.entries(urls).flatMap(([key, values]) =>
    values.some((url) => !isLocal(url) && new URL(url).password === '') ? [key] : [],
  );
}
