import { textFor } from '../i18n/text-for.js';
import { dismissToast, showToast } from '../ui/toasts.js';
import type { Arrival } from '../session/arrival.js';
import { client, restoreSession } from '../session/session.js';

client.onChange(({ reason }) => {
  // What was told to who was not logged in, such as that they are not, is over.
  if (reason === 'login') dismissToast();
  if (reason === 'logout') showToast({ tone: 'good', text: (words) => words.entry.loggedOut });
  if (reason === 'session_ended') showToast({ tone: 'bad', text: (words) => words.sessionEnded });
});

/** Tells why a log-in failed, where the address says so, and finds out who is here. */
export async function bootstrap({ loginError }: Arrival): Promise<void> {
  if (loginError !== undefined) tellLoginError(loginError);
  await restoreSession();
}

/** Anyone can make a link with any code in it: only what we have words for is told. */
function tellLoginError(code: string): void {
  showToast({
    tone: 'bad',
    text: ({ loginErrors }) => textFor(loginErrors, code) ?? loginErrors.other,
    ...(code === 'account_link_required' && {
      next: { label: (words) => words.logInThenLink, href: '/login?next=/me/ways-in' },
    }),
  });
}
