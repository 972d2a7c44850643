import { element } from './dom.js';
import { say } from './language.js';
import { askAsMe } from './session.js';

/** @typedef {{ identities: { provider: string, email?: string }[], passwordSet: boolean }} WaysIn */

/** @type {Record<string, string>} */
const NAMES = { google: 'Google', kakao: 'Kakao', naver: 'Naver' };

/**
 * Shows the ways into the account, each with a button to take it away or to add it.
 * @param {(act: () => Promise<void>) => void} perform does what a button is for, and tells when it fails
 */
export async function showWaysIn(perform) {
  const [ways, providers] = await Promise.all([
    /** @type {Promise<WaysIn>} */ (askAsMe('/auth/identities')),
    /** @type {Promise<{ id: string, name: string }[]>} */ (askAsMe('/auth/providers')),
  ]);
  const items = providers.map(({ id, name }) => {
    const linked = ways.identities.find(({ provider }) => provider === id);
    const item = document.createElement('li');
    const label = document.createElement('span');
    say(label, linked === undefined ? 'way_absent' : 'way_linked', {
      name: NAMES[id] ?? name,
      email: linked?.email ?? '',
    });
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'plain';
    say(button, linked === undefined ? 'way_add' : 'way_remove');
    button.addEventListener('click', () =>
      perform(async () => {
        await (linked === undefined ? link(id) : askAsMe(`/auth/identities/${id}`, { method: 'DELETE' }));
        if (linked !== undefined) await showWaysIn(perform);
      }),
    );
    item.append(label, button);
    return item;
  });
  element('ways-in', HTMLUListElement).replaceChildren(...items);
  say(element('password-set', HTMLElement), ways.passwordSet ? 'password_set' : 'password_not_set');
  const password = element('leave-password', HTMLInputElement);
  for (const each of [password, ...(password.labels ?? [])]) each.hidden = !ways.passwordSet;
}

/** @param {string} provider */
async function link(provider) {
  const body = { returnTo: location.pathname };
  const { url } = /** @type {{ url: string }} */ (
    await askAsMe(`/auth/identities/${provider}`, { method: 'POST', body })
  );
  location.assign(url);
}

/** Deletes the account. @param {string} password empty where there is none, or the log-in was just now */
export async function leave(password) {
  await askAsMe('/auth/account', { method: 'DELETE', body: password === '' ? {} : { password } });
}
