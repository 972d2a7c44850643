import { Failure } from '../../client/src/index.js';
import { failureText } from '../frame/failure-text.js';
import { tell, type Notice } from '../frame/notices.js';
import type { Arrival } from '../session/arrival.js';
import { client, findOutWhoIsHere } from '../session/session.js';

let farewell: Notice | undefined;

/** What to tell instead when the session ends because the person wanted it to. */
export function expectEnd(notice: Notice): void {
  farewell = notice;
}

client.onChange(({ reason }) => {
  if (reason === 'logout') tell({ tone: 'good', text: (words) => words.entry.loggedOut });
  if (reason !== 'session_ended') return;
  tell(farewell ?? { tone: 'bad', text: (words) => words.sessionEnded });
  farewell = undefined;
});

/** Does what the address asked for, and finds out who is here. */
export async function arrive({ loginError, verifyEmail }: Arrival): Promise<void> {
  if (loginError !== undefined) tellLoginError(loginError);
  if (verifyEmail !== undefined) {
    try {
      await client.loginWithMailToken(verifyEmail);
      return tell({ tone: 'good', text: (words) => words.entry.verified });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      tell({ tone: 'bad', text: (words) => failureText(error, words) });
    }
  }
  await findOutWhoIsHere();
}

/** Anyone can make a link with any code in it: only what we have words for is told. */
function tellLoginError(code: string): void {
  tell({
    tone: 'bad',
    text: ({ loginErrors }) =>
      (Object.hasOwn(loginErrors, code) ? loginErrors[code] : undefined) ?? loginErrors.other,
    ...(code === 'account_link_required' && {
      next: { label: (words) => words.logInThenLink, href: '/login?next=/me/ways-in' },
    }),
  });
}
