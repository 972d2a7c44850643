/** Purposes of mailed links, which are the names in their fragments. */
const PURPOSES = ['verify-email', 'reset-password'] as const;

/** A link from a mail. */
export interface MailedLink {
  readonly purpose: (typeof PURPOSES)[number];
  readonly token: string;
}

/** Instructions in the URL with which the page was opened. */
export interface Arrival {
  /** Code of a failed login; any text, since any site can link here. */
  readonly loginError: string | undefined;
  /** The mailed link, if the page was opened with one. */
  readonly mailedLink: MailedLink | undefined;
  /** Language that the URL asks for. */
  readonly language: string | undefined;
  /** True if the devtools panel opens at once. */
  readonly watch: boolean;
}

/**
 * Reads the URL, and removes these instructions from the address bar and the history. A token must not stay there,
 * and a reload must not show an old error.
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
  const purpose = PURPOSES.find((name) => fragment.has(name));
  return purpose && { purpose, token: fragment.get(purpose) ?? '' };
}
