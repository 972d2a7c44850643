import { textFor } from '../i18n/text-for.js';
import { dismissToast, showToast } from '../ui/toasts.js';
import type { Arrival } from '../session/arrival.js';
import { client, restoreSession } from '../session/session.js';

client.onChange(({ reason }) => {
  // Messages to a logged-out user no longer apply.
  if (reason === 'login') dismissToast();
  if (reason === 'logout') showToast({ tone: 'good', text: (words) => words.entry.loggedOut });
  if (reason === 'session_ended') showToast({ tone: 'bad', text: (words) => words.sessionEnded });
});

/** Shows the login error of the URL, and restores the session. */
export async function bootstrap({ loginError }: Arrival): Promise<void> {
  if (loginError !== undefined) tellLoginError(loginError);
  await restoreSession();
}

/** Shows the text of a known code only, since any site can link to any code. */
function tellLoginError(code: string): void {
  showToast({
    tone: 'bad',
    text: ({ loginErrors }) => textFor(loginErrors, code) ?? loginErrors.other,
    ...(code === 'account_link_required' && {
      next: { label: (words) => words.logInThenLink, href: '/login?next=/me/ways-in' },
    }),
  });
}
