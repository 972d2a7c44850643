import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';
import ipaddr from 'ipaddr.js';
import { getDomain } from 'tldts';
import type { Environment, Refuse } from './environment.js';
import type { ProviderSettings } from './providers.js';
import { isGuessable } from './secret-strength.js';

/** Returns the origin of an http(s) URL that consists of an origin only; undefined for any other value. */
export function originOf(value: string): string | undefined {
  if (!URL.canParse(value)) return undefined;
  const url = new URL(value);
  const bare =
    url.pathname === '/' && url.search === '' && url.hash === '' && url.username + url.password === '';
  return bare && (url.protocol === 'https:' || url.protocol === 'http:') ? url.origin : undefined;
}

/** Returns true if the URL has one of the schemes, a host, and credentials that can be decoded. */
export function isServerUrl(value: string, schemes: readonly string[]): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, hostname, username, password, pathname, searchParams } = new URL(value);
  try {
    decodeURIComponent(username + password + pathname);
  } catch {
    return false;
  }
  // A PostgreSQL URL may have the folder of a socket as `?host=`.
  return schemes.includes(protocol.slice(0, -1)) && (hostname !== '' || searchParams.has('host'));
}

/** End of an error message for a URL that fails {@link isServerUrl}. */
export const SERVER_URL =
  'with a host; in a user name or a password, anything but letters and digits is written as %XX';

/** Returns the value of a URL's parameter. Of several values pg uses the last. */
export function lastOf(parameters: URLSearchParams, name: string): string | undefined {
  return parameters.getAll(name).at(-1);
}

/** Values of `sslmode` in pg. */
const SSL_MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'];

/** Checks the TLS parameters of a PostgreSQL URL: the mode, and the files. */
export function checkTls(url: string, refuse: Refuse): void {
  const { searchParams } = new URL(url);
  const mode = lastOf(searchParams, 'sslmode');
  if (mode !== undefined && !SSL_MODES.includes(mode))
    refuse('DATABASE_URL', `sslmode must be one of ${SSL_MODES.join(', ')}`);
  const read = (name: string): Buffer | undefined => {
    const file = lastOf(searchParams, name);
    if (file === undefined) return undefined;
    try {
      return readFileSync(file);
    } catch {
      refuse('DATABASE_URL', `${name} names a file that cannot be read`);
      return undefined;
    }
  };
  const [ca, cert, key] = [read('sslrootcert'), read('sslcert'), read('sslkey')];
  if (ca !== undefined && !succeeds(() => new X509Certificate(ca)))
    refuse('DATABASE_URL', 'sslrootcert must name a file with certificates in PEM');
  if (!succeeds(() => createSecureContext({ cert, key })))
    refuse(
      'DATABASE_URL',
      'sslcert and sslkey must name a certificate in PEM and its private key, which is not encrypted',
    );
}

function succeeds(run: () => unknown): boolean {
  try {
    run();
    return true;
  } catch {
    return false;
  }
}

/** Refuses a port that two listeners of this process would share. */
export function checkPorts(ports: Readonly<Record<string, number | undefined>>, refuse: Refuse): void {
  const taken = new Map<number, string>();
  for (const [key, port] of Object.entries(ports)) {
    if (port === undefined || port === 0) continue;
    const other = taken.get(port);
    if (other === undefined) taken.set(port, key);
    else refuse(key, `must be another port than ${other}`);
  }
}

/** Returns the origins in `WEB_ORIGINS`. Refuses origins whose pages would never send the cookie. */
export function checkWebOrigins(set: Environment, publicUrl: string | undefined, refuse: Refuse): string[] {
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
  // Production refuses an http page of an https API, with its own message.
  const insecure =
    publicUrl?.startsWith('https:') === true && origins.some((origin) => origin.startsWith('http:'));
  if (crossSite && !insecure && set.COOKIE_SAMESITE !== 'none') {
    refuse(
      'COOKIE_SAMESITE',
      'an origin in WEB_ORIGINS is cross-site to PUBLIC_URL, so its pages would never send the refresh cookie; ' +
        'serve both from one site, or set COOKIE_SAMESITE=none',
    );
  }
  return origins;
}

/** Returns the origins in `IMAGE_ORIGINS`. Default: the origins of the providers' profile pictures. */
export function readImageOrigins(
  values: readonly string[],
  providers: readonly ProviderSettings[],
  refuse: Refuse,
): string[] {
  if (values.length === 0) return providers.flatMap(({ pictureOrigins = [] }) => pictureOrigins);
  if (values.length === 1 && values[0] === 'none') return [];
  const origins = values.map((value) => value.toLowerCase());
  if (origins.some((origin) => !/^https:\/\/(\*\.)?([a-z\d-]+\.)+[a-z\d-]+(:\d+)?$/.test(origin))) {
    refuse(
      'IMAGE_ORIGINS',
      'must be none, or https origins such as https://images.example.com or https://*.example.com',
    );
  }
  return origins;
}

/** Returns the schemeful site of an origin: scheme and registrable domain, which browsers compare for SameSite. */
function siteOf(origin: string): string {
  const { protocol, hostname } = new URL(origin);
  return `${protocol}//${isIP(hostname) ? hostname : (getDomain(hostname, { allowPrivateDomains: true }) ?? hostname)}`;
}

/** Refuses values of `AUTH_SECRET` that are missing, short or guessable. */
export function checkSecrets(set: Environment, production: boolean, refuse: Refuse): void {
  const [first] = set.AUTH_SECRET;
  if (first === undefined && production) {
    refuse('AUTH_SECRET', 'is required; make one with: openssl rand -base64 32');
  }
  for (const secret of set.AUTH_SECRET) {
    if (Buffer.byteLength(secret) < 32)
      refuse('AUTH_SECRET', 'must be at least 32 bytes; try: openssl rand -base64 32');
    // 32 random bytes in hex have fewer than 14 different characters once in a million; "aaaa…" and "password…" always do.
    else if (new Set(secret).size < 12) refuse('AUTH_SECRET', 'must be random; try: openssl rand -base64 32');
    // Only the first secret is checked, so that a guessable one can be rolled over.
    else if (production && secret === first && isGuessable(secret))
      refuse(
        'AUTH_SECRET',
        'must be random, without words, repetitions and sequences; make one with: openssl rand -base64 32',
      );
  }
}

/** Refuses settings that are allowed in development only. */
export function checkProduction(
  set: Environment,
  secure: boolean,
  webOrigins: string[],
  refuse: Refuse,
): void {
  if (!secure) refuse('PUBLIC_URL', 'must be https in production');
  if (webOrigins.some((origin) => !origin.startsWith('https:'))) {
    refuse('WEB_ORIGINS', 'must be https in production');
  }
  if (set.OAUTH_SANDBOX_URL !== undefined) {
    refuse('OAUTH_SANDBOX_URL', 'must not be set in production: anyone could log in as anyone');
  }
  if (set.TRUST_PROXY.length === 0) {
    refuse(
      'TRUST_PROXY',
      'is required in production: how many proxies stand in front (1), or their addresses and CIDR blocks; none where clients connect ' +
        'to this process directly. Without it all clients behind a proxy would share one limit',
    );
  }
  if (set.REFRESH_GRACE_SECONDS < 16) {
    refuse('REFRESH_GRACE_SECONDS', 'must be at least 16 in production, or lost responses end sessions');
  }
}

/** Largest number of hops: a hop beyond the real proxies would trust addresses that the client wrote. */
const MAX_HOPS = 10;
/** Prefix of IPv4-mapped IPv6 addresses, 96 bits long. */
const IPV4_MAPPED = ipaddr.IPv6.parse('::ffff:0:0');

/** Returns the trusted proxies of `TRUST_PROXY`: a number of hops, or addresses and CIDR blocks. Refuses too large blocks. */
export function readTrustProxy(values: readonly string[], refuse: Refuse): false | number | string[] {
  const [first] = values;
  if (first === undefined) return false;
  if (values.length === 1 && first === 'none') return false;
  if (values.length === 1 && /^\d+$/.test(first)) {
    const hops = Number(first);
    if (hops > MAX_HOPS) refuse('TRUST_PROXY', `must be at most ${MAX_HOPS} hops`);
    return hops === 0 ? false : hops;
  }
  for (const value of values) {
    const [address = ''] = value.split('/');
    const isBlock = address !== value;
    if (isIP(address) === 0 || (isBlock && !ipaddr.isValidCIDR(value))) {
      refuse(
        'TRUST_PROXY',
        'must be a number of hops, addresses and CIDR blocks, or none; trusting every address is not possible',
      );
      return false;
    }
    if (isBlock && isTooLarge(value)) {
      refuse('TRUST_PROXY', 'must have blocks of at least /8 of IPv4 and /16 of IPv6, or fc00::/7');
      return false;
    }
  }
  return [...values];
}

/** Returns true for a block that contains far more addresses than proxies. IPv4-mapped blocks are judged as IPv4. */
function isTooLarge(block: string): boolean {
  const [address, bits] = ipaddr.parseCIDR(block);
  if (address.kind() === 'ipv4') return bits < 8;
  if (IPV4_MAPPED.match(address, Math.min(bits, 96))) return bits < 96 + 8;
  return bits < (address.range() === 'uniqueLocal' ? 7 : 16);
}
