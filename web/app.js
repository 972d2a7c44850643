import { leave, showWaysIn } from './account.js';
import { readArrival } from './arrival.js';
import { showBoard, writeBoard } from './board.js';
import { element, showOnly } from './dom.js';
import { onSubmit, wordsFor } from './forms.js';
import { say, switchLanguage, translatePage, unsay } from './language.js';
import { showProfile, showSeconds, showToken } from './person.js';
import { showProviders } from './providers.js';
import { accessToken, ask, askAsMe, enter, Failure, forget, logOut, onChange, refresh } from './session.js';

const parts = ['waiting', 'unreachable', 'entry', 'inside'].map((id) => element(id, HTMLElement));
/** The forms, and what stands above each. */
const TITLES = { login: 'log_in', register: 'register', forgot: 'to_forgot', reset: 'new_password' };
const forms = Object.keys(TITLES).map((id) => element(id, HTMLFormElement));
const message = element('message', HTMLElement);
const resend = element('resend', HTMLButtonElement);

/** From the link in a mail, until a password is chosen. */
let resetToken = '';
/** Who has not verified their address yet. */
let waitingAddress = '';

/** @param {'good' | 'bad'} tone @param {[name: string, details?: Record<string, string | number>]} what */
function tell(tone, what) {
  message.className = `message ${tone}`;
  say(message, ...what);
}

/** @param {unknown} error */
function report(error) {
  tell('bad', wordsFor(error));
  resend.hidden = !(error instanceof Failure && error.code === 'email_not_verified');
}

function quiet() {
  unsay(message);
  resend.hidden = true;
}

/** @param {string} id */
function showPart(id) {
  showOnly(parts, element(id, HTMLElement));
}

/** @param {keyof typeof TITLES} id */
function showForm(id) {
  showOnly(forms, element(id, HTMLFormElement));
  // Who comes for a new password does not come to choose a provider.
  const another = id === 'forgot' || id === 'reset';
  for (const way of ['providers', 'or']) element(way, HTMLElement).hidden = another;
  say(element('card-title', HTMLElement), TITLES[id]);
}

async function showInside() {
  const profile = await readProfile();
  showProfile(profile);
  headline('headline_inside', 'tagline_inside', { nickname: profile.nickname });
  showPart('inside');
  await showWaysIn((act) => void perform(act)).catch(report);
}

/** Someone is logged in even while ProfileService cannot say who they are to others. */
async function readProfile() {
  try {
    return /** @type {import('./person.js').Profile} */ (await askAsMe('/users/me'));
  } catch (error) {
    if (!(error instanceof Failure) || accessToken() === undefined) throw error;
    return { nickname: '…', avatarUrl: null };
  }
}

async function showEntry() {
  headline('headline', 'tagline');
  showPart('entry');
  await showProviders(element('providers', HTMLElement));
}

/** @param {string} title @param {string} text @param {Record<string, string>} [details] */
function headline(title, text, details) {
  say(element('headline', HTMLElement), title, details);
  say(element('tagline', HTMLElement), text);
}

/** Finds out who is here, and shows them what is theirs. */
async function begin() {
  try {
    await ((await refresh()) ? showInside() : showEntry());
  } catch (error) {
    if (error instanceof Failure && error.code === 'origin_not_allowed') report(error);
    else if (!(error instanceof Failure)) throw error;
    // Not knowing is not being logged out.
    showPart('unreachable');
  }
}

/** @param {() => Promise<void>} act */
async function perform(act) {
  quiet();
  await act().catch(report);
}

/** Does what a button is for, and tells when it fails. @param {string} id @param {() => Promise<void>} act */
function onClick(id, act) {
  const button = element(id, HTMLButtonElement);
  button.addEventListener('click', async () => {
    button.disabled = true;
    quiet();
    try {
      await act();
    } catch (error) {
      report(error);
    } finally {
      button.disabled = false;
    }
  });
}

onClick('try-again', begin);
onClick('log-out', async () => {
  await logOut();
  tell('good', ['logged_out']);
  await showEntry();
});
onClick('renew', async () => {
  if (await refresh()) return tell('good', ['renewed']);
  tell('bad', ['problem_session_ended']);
  await showEntry();
});
onClick('resend', async () => {
  await ask('/auth/verify-email/resend', { method: 'POST', body: { email: waitingAddress } });
  tell('good', ['mail_maybe_sent']);
});

for (const button of document.querySelectorAll('[data-form]')) {
  button.addEventListener('click', () => {
    quiet();
    const id = /** @type {keyof typeof TITLES} */ (button.getAttribute('data-form'));
    showForm(id);
    element(id, HTMLFormElement).querySelector('input')?.focus();
  });
}
onSubmit(
  element('login', HTMLFormElement),
  async (credentials) => {
    waitingAddress = credentials['email'] ?? '';
    quiet();
    await enter('/auth/login', credentials);
    await showInside();
  },
  report,
);
onSubmit(
  element('register', HTMLFormElement),
  async (registration) => {
    quiet();
    await ask('/auth/register', { method: 'POST', body: registration });
    waitingAddress = registration['email'] ?? '';
    tell('good', ['mail_sent']);
    resend.hidden = false;
    showForm('login');
  },
  report,
);

onSubmit(
  element('forgot', HTMLFormElement),
  async (address) => {
    quiet();
    await ask('/auth/forgot-password', { method: 'POST', body: address });
    tell('good', ['mail_maybe_sent']);
    showForm('login');
  },
  report,
);
onSubmit(
  element('reset', HTMLFormElement),
  async ({ password }) => {
    quiet();
    await ask('/auth/reset-password', { method: 'POST', body: { token: resetToken, password } });
    tell('good', ['password_is_set']);
    showForm('login');
  },
  report,
);
onSubmit(
  element('leave', HTMLFormElement),
  async ({ password = '' }) => {
    quiet();
    await leave(password);
    forget();
    tell('good', ['left']);
    await showEntry();
  },
  report,
);

element('language', HTMLButtonElement).addEventListener('click', () => {
  switchLanguage();
  writeBoard();
});
// A link from a mail that is opened in this very tab changes the fragment only.
addEventListener('hashchange', () => location.reload());
onChange(showToken);
setInterval(showSeconds, 1000);

/** Spends the token of a link, once. @param {string} token */
async function verifyEmail(token) {
  try {
    await enter('/auth/verify-email', { token });
    tell('good', ['verified']);
    await showInside();
  } catch (error) {
    await begin();
    report(error);
  }
}

const arrival = readArrival();
translatePage();
void showBoard();
if (arrival.loginError !== undefined) tell('bad', [arrival.loginError]);
if (arrival.verifyEmail !== undefined) {
  await verifyEmail(arrival.verifyEmail);
} else if (arrival.resetPassword !== undefined) {
  resetToken = arrival.resetPassword;
  await showEntry();
  showForm('reset');
} else {
  await begin();
}
