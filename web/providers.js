import google from './brands/google.svg';
import kakao from './brands/kakao.svg';
import naver from './brands/naver.svg';
import { say } from './language.js';
import { ask } from './session.js';

/** @typedef {{ id: string, name: string, loginUrl: string }} Provider */

/** Providers whose own rules say how their button looks; style.css follows them. */
const SYMBOLS = new Map([
  ['google', google],
  ['kakao', kakao],
  ['naver', naver],
]);

/**
 * Fills a place with a button for each provider that is enabled. They lead back to this very page.
 * @param {Element} place
 */
export async function showProviders(place) {
  const providers = /** @type {Provider[]} */ (await ask('/auth/providers'));
  place.replaceChildren(...providers.map(button));
}

/** @param {Provider} provider */
function button({ id, name, loginUrl }) {
  const link = document.createElement('a');
  link.className = SYMBOLS.has(id) ? `provider ${id}` : 'provider';
  const target = new URL(loginUrl, location.href);
  target.searchParams.set('returnTo', location.origin + location.pathname + location.search);
  link.href = target.href;
  const label = document.createElement('span');
  const picture = SYMBOLS.get(id);
  if (picture !== undefined) {
    const symbol = document.createElement('img');
    symbol.src = picture;
    symbol.alt = '';
    link.append(symbol);
    say(label, `provider_${id}`);
  } else {
    say(label, 'provider_other', { name });
  }
  link.append(label);
  return link;
}
