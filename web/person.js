import { element } from './dom.js';
import { say } from './language.js';
import { accessToken } from './session.js';

/** @typedef {{ nickname: string, avatarUrl: string | null }} Profile */

/** Shows whose page this is now. @param {Profile} profile */
export function showProfile({ nickname, avatarUrl }) {
  element('nickname', HTMLElement).textContent = nickname;
  const avatar = element('avatar', HTMLElement);
  avatar.textContent = Array.from(nickname)[0] ?? '';
  if (avatarUrl === null) return;
  const image = new Image();
  image.alt = '';
  image.referrerPolicy = 'no-referrer';
  // The letter stays where the picture does not come.
  image.addEventListener('load', () => avatar.replaceChildren(image));
  image.src = avatarUrl;
}

/** Shows what the access token says: a page may read it, only a service needs to check its signature. */
export function showToken() {
  const held = accessToken();
  if (held === undefined) return;
  const [header = {}, payload = {}] = held.token.split('.', 2).map(decode);
  element('header', HTMLElement).textContent = JSON.stringify(header, null, 2);
  element('payload', HTMLElement).textContent = JSON.stringify(payload, null, 2);
  const { roles } = /** @type {{ roles?: string[] }} */ (payload);
  say(element('roles', HTMLElement), 'roles', { roles: (roles ?? []).join(', ') });
  showSeconds();
}

/** Shows how long the token is still good. */
export function showSeconds() {
  const held = accessToken();
  if (held === undefined) return;
  const seconds = Math.ceil(held.left / 1000);
  const life = element('life', HTMLMeterElement);
  life.max = held.lifetime / 1000;
  life.value = seconds;
  if (seconds > 0) say(element('seconds', HTMLElement), 'seconds_left', { seconds });
  else say(element('seconds', HTMLElement), 'token_expired');
}

/** @param {string} part @returns {unknown} a part of a JWT (RFC 7515 §3.1) */
function decode(part) {
  const binary = atob(part.replaceAll('-', '+').replaceAll('_', '/'));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(binary, (char) => char.charCodeAt(0))));
}
