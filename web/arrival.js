import { knows } from './language.js';

/**
 * What the address says to a page that someone has just arrived at. Reading it takes it out of the address bar and the
 * history, since a link's token must not stay there, and a reload should not tell of an old error again.
 * @returns {{ loginError?: string, verifyEmail?: string, resetPassword?: string }} `loginError` is the name of words
 */
export function readArrival() {
  const url = new URL(location.href);
  const fragment = new URLSearchParams(url.hash.slice(1));
  const code = url.searchParams.get('login_error');
  const arrival = {
    loginError: code === null ? undefined : loginErrorWords(code),
    verifyEmail: fragment.get('verify-email') ?? undefined,
    resetPassword: fragment.get('reset-password') ?? undefined,
  };
  url.searchParams.delete('login_error');
  if (arrival.verifyEmail !== undefined || arrival.resetPassword !== undefined) url.hash = '';
  if (url.href !== location.href) history.replaceState(null, '', url);
  return arrival;
}

/** Anyone can make a link with any code in it: only codes that we have words for are told. @param {string} code */
function loginErrorWords(code) {
  const name = `login_error_${code}`;
  return knows(name) ? name : 'login_error_other';
}
