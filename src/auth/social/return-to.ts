import { posix } from 'node:path';
import { Problem } from '../../problems/problem.js';
import type { LoginErrorCode } from './login-error.js';

/** The attempt's cookie holds it, and a browser sends several of those in one header of at most 8 KB. */
const MAX_LENGTH = 1_024;

/** The places that a log-in may end at. */
interface AllowedOrigins {
  readonly webOrigins: readonly [string, ...string[]];
  readonly publicUrl: string;
}

/** The page that people land on when nothing else was asked for. */
export function defaultPage({ webOrigins }: AllowedOrigins): string {
  return `${webOrigins[0]}/`;
}

/**
 * Turns `returnTo` into an absolute URL on one of our own origins, so that no browser can read anything else out of it.
 * @throws {Problem} `return_to_not_allowed`.
 */
export function resolveReturnTo(returnTo: unknown, places: AllowedOrigins): string {
  if (returnTo === undefined) return defaultPage(places);
  if (typeof returnTo !== 'string') throw notAllowed('it is given more than once');
  // Browsers drop tabs and line ends out of URLs and read `\` as `/`; nobody needs any of them here.
  // oxlint-disable-next-line eslint/no-control-regex
  if (/[\x00-\x1f\x7f\\]/.test(returnTo)) throw notAllowed('it has a backslash or a control character');
  const path = /^\/(?!\/)/.test(returnTo);
  if (!path && !/^https?:\/\/[^/]/i.test(returnTo)) throw notAllowed('it is neither a path nor a URL');
  if (!URL.canParse(returnTo, places.webOrigins[0])) throw notAllowed('it is not a URL');
  const url = new URL(returnTo, places.webOrigins[0]);
  const allowed: readonly string[] = path ? [places.webOrigins[0]] : [...places.webOrigins, places.publicUrl];
  if (!allowed.includes(url.origin)) throw notAllowed('its origin is not in WEB_ORIGINS');
  if (url.origin === places.publicUrl && isBelowAuth(url.pathname)) throw notAllowed('it is below /auth/');
  if (url.username !== '' || url.password !== '') throw notAllowed('it has a user name or password');
  // Left over from an attempt that failed; this one has not.
  url.search = withoutLoginError(url.search);
  if (url.href.length > MAX_LENGTH) throw notAllowed(`it is longer than ${MAX_LENGTH} characters`);
  return url.href;
}

/** A page's URL that tells it why the log-in failed; whatever else is in its query stays as it is. */
export function withLoginError(page: string, code: LoginErrorCode): string {
  const url = new URL(page);
  url.search = url.search === '' ? `?login_error=${code}` : `${url.search}&login_error=${code}`;
  return url.href;
}

/**
 * True where a path may be routed to something below `/auth/`, such as another log-in, by this server or by a proxy that decodes
 * percent-encodings, merges slashes or ignores case.
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
