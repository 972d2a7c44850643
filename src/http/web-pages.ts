/**
 * Paths of the web page, for the server and the page's router. All other paths belong to the API, including `/boards/…`,
 * `/posts/…` and `/users/…`.
 */
export const WEB_PAGES = [
  '/',
  '/login',
  '/register',
  '/forgot-password',
  '/b/:slug',
  '/b/:slug/write',
  '/p/:id',
  '/p/:id/edit',
  '/u/:id',
  '/me',
  '/me/ways-in',
  '/me/sessions',
  '/me/activity',
  '/me/delete',
] as const;

export type WebPage = (typeof WEB_PAGES)[number];
