import type { FastifyRequest } from 'fastify';
import type { Config } from '../../config/config.js';

/**
 * True for a navigation from a page of another site without a click of the user (ASVS V7.6.2). Safari does not send
 * `Sec-Fetch-User`, so its users have to confirm every login from another site. Browsers without Fetch Metadata do not have to
 * confirm. Pages of the same site are trusted, as by SameSite cookies.
 */
export function needsConfirmation({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  return headers['sec-fetch-site'] === 'cross-site' && headers['sec-fetch-user'] !== '?1';
}

/**
 * URL of the page that asks the user to confirm a login. With SameSite=None the web page is on another site, so that its link
 * would need confirmation again in a browser without `Sec-Fetch-User`; the page of this origin asks instead.
 */
export function confirmationPage(
  { webOrigins, publicUrl, cookie }: Config,
  provider: string,
  returnTo: string,
): string {
  const page = new URL('/login', cookie.sameSite === 'none' ? publicUrl : webOrigins[0]);
  page.searchParams.set('provider', provider);
  page.searchParams.set('returnTo', returnTo);
  return page.href;
}
