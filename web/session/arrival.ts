/** What the address says to a page that someone has just arrived at. */
export interface Arrival {
  /** Why a log-in failed; any text, since anyone can make a link. */
  readonly loginError: string | undefined;
  /** The tokens of mailed links. */
  readonly verifyEmail: string | undefined;
  readonly resetPassword: string | undefined;
  /** A link may ask for a language. */
  readonly language: string | undefined;
  /** Whether to show the panel at once. */
  readonly watch: boolean;
}

/**
 * Reads the address, and takes what it has read out of the address bar and the history: a link's token must not stay there,
 * and a reload should not tell of an old error again.
 */
export function readArrival(): Arrival {
  const url = new URL(location.href);
  const fragment = new URLSearchParams(url.hash.slice(1));
  const arrival = {
    loginError: url.searchParams.get('login_error') ?? undefined,
    verifyEmail: fragment.get('verify-email') ?? undefined,
    resetPassword: fragment.get('reset-password') ?? undefined,
    language: url.searchParams.get('lang') ?? undefined,
    watch: fragment.has('watch'),
  };
  url.searchParams.delete('login_error');
  url.searchParams.delete('lang');
  if (arrival.verifyEmail !== undefined || arrival.resetPassword !== undefined || arrival.watch)
    url.hash = '';
  if (url.href !== location.href) history.replaceState(history.state, '', url);
  return arrival;
}
