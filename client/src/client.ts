import { authorizedFetch } from './authorized-fetch.js';
import type { Change, Client, ClientOptions } from './contract.js';
import { openSession } from './session.js';

/** Creates the client of a page, which keeps the access token. A page needs one client. */
export function createClient({ baseUrl, fetch: send = fetch }: ClientOptions = {}): Client {
  const base = new URL(baseUrl || '/', globalThis.location?.href).href.replace(/\/$/, '');
  // An EventTarget calls every listener, also after one has thrown.
  const changes = new EventTarget();
  const session = openSession(base, send, (detail) =>
    changes.dispatchEvent(new CustomEvent('change', { detail })),
  );

  return {
    get user() {
      return session.user;
    },
    login(provider, { returnTo = '' } = {}) {
      const url = new URL(`${base}/auth/${encodeURIComponent(provider)}`);
      url.searchParams.set('returnTo', new URL(returnTo, location.href).href);
      location.assign(url);
    },
    loginWithPassword: (email, password) => session.enter('/auth/login', { email, password }),
    loginWithMailToken: (token) => session.enter('/auth/verify-email', { token }),
    refresh: session.refresh,
    fetch: authorizedFetch(base, send, session),
    onChange(listener) {
      const onEvent = (event: Event) => listener((event as CustomEvent<Change>).detail);
      changes.addEventListener('change', onEvent);
      return () => changes.removeEventListener('change', onEvent);
    },
    logout: session.logout,
  };
}
