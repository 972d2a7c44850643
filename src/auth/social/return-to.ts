import { posix } from 'node:path';
import { Problem } from '../../problems/problem.js';
import type { LoginErrorCode } from './login-error.js';

/** Characters of `returnTo`. Each transaction cookie contains one, and a browser sends several in a header of at most 8 KB. */
const MAX_LENGTH = 1_024;

/** Origins that a login may return to. */
interface AllowedOrigins {
  readonly webOrigins: readonly [string, ...string[]];
  readonly publicUrl: string;
}

/** Returns the page for a login without `returnTo`. */
export function defaultPage({ webOrigins }: AllowedOrigins): string {
  return `${webOrigins[0]}/`;
}

/**
 * Resolves `returnTo` to an absolute URL on an allowed origin, which every browser parses alike.
 * @throws {Problem} `return_to_not_allowed`.
 */
export function resolveReturnTo(returnTo: unknown, origins: AllowedOrigins): string {
  if (returnTo === undefined) return defaultPage(origins);
  if (typeof returnTo !== 'string') throw notAllowed('it is given more than once');
  // Browsers remove tabs and line ends from URLs, and treat `\` as `/`.
  // oxlint-disable-next-line eslint/no-control-regex
  if (/[\x00-\x1f\x7f\\]/.test(returnTo)) throw notAllowed('it has a backslash or a control character');
  const path = /^\/(?!\/)/.test(returnTo);
  if (!path && !/^https?:\/\/[^/]/i.test(returnTo)) throw notAllowed('it is neither a path nor a URL');
  if (!URL.canParse(returnTo, origins.webOrigins[0])) throw notAllowed('it is not a URL');
  const url = new URL(returnTo, origins.webOrigins[0]);
  const allowed: readonly string[] = path
    ? [origins.webOrigins[0]]
    : [...origins.webOrigins, origins.publicUrl];
  if (!allowed.includes(url.origin)) throw notAllowed('its origin is not in WEB_ORIGINS');
  if (url.origin === origins.publicUrl && isBelowAuth(url.pathname)) throw notAllowed('it is below /auth/');
  if (url.username !== '' || url.password !== '') throw notAllowed('it has a user name or password');
  // Left over from an earlier login that failed.
  url.search = withoutLoginError(url.search);
  if (url.href.length > MAX_LENGTH) throw notAllowed(`it is longer than ${MAX_LENGTH} characters`);
  return url.href;
}

/** Appends `login_error` to the URL of a page, and keeps the rest of its query. */
export function withLoginError(page: string, code: LoginErrorCode): string {
  const url = new URL(page);
  url.search = url.search === '' ? `?login_error=${code}` : `${url.search}&login_error=${code}`;
  return url.href;
}

/**
 * True where this server, or a proxy that decodes percent-encodings, merges slashes or ignores case, may route a path below
 * `/auth/`, for instance to another login.
 */
function isBelowAuth(pathname: string): boolean {
  const decode = (path: string) =>
    path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  let path = pathname;
  for (let decoded = decode(path); decoded !== path; decoded = decode(path)) path = decoded;
  return /^\/auth(?:\W|$)/i.test(posix.normalize(path.replaceAll('\\', '/')));
}

function withoutLoginError(search: string): string {
  const kept = search
    .slice(1)
    .split('&')
    .filter((member) => !/^login_error(=|$)/.test(member));
  return kept.join('&');
}

function notAllowed(reason: string): Problem {
  return new Problem('return_to_not_allowed', { reason });
}
