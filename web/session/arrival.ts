/** What links in mails are for, as their fragments say. */
const PURPOSES = ['verify-email', 'reset-password'] as const;

/** A link from a mail. */
export interface MailedLink {
  readonly asks: (typeof PURPOSES)[number];
  readonly token: string;
}

/** What the address says to a page that someone has just arrived at. */
export interface Arrival {
  /** Why a log-in failed; any text, since anyone can make a link. */
  readonly loginError: string | undefined;
  /** The link from a mail that it is. */
  readonly mailedLink: MailedLink | undefined;
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
    mailedLink: readMailedLink(fragment),
    language: url.searchParams.get('lang') ?? undefined,
    watch: fragment.has('watch'),
  };
  url.searchParams.delete('login_error');
  url.searchParams.delete('lang');
  if (arrival.mailedLink !== undefined || arrival.watch) url.hash = '';
  if (url.href !== location.href) history.replaceState(history.state, '', url);
  return arrival;
}

function readMailedLink(fragment: URLSearchParams): MailedLink | undefined {
  const asks = PURPOSES.find((purpose) => fragment.has(purpose));
  return asks && { asks, token: fragment.get(asks) ?? '' };
}
