/**
 * The paths of the web page, in one list: the server answers them with the page, and the page shows something at each. The
 * rest belongs to the API, which also owns `/boards/…`, `/posts/…` and `/users/…`.
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

/** One of them. */
export type WebPage = (typeof WEB_PAGES)[number];
