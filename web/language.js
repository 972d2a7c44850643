import { WORDS } from './words.js';

/** @typedef {Readonly<Record<string, string | number>>} Details */

/** What the page speaks: `?lang=`, else what the browser asks for. @type {'ko' | 'en'} */
let language = choose();

function choose() {
  const wanted = new URLSearchParams(location.search).get('lang') ?? navigator.language;
  return /^ko\b/i.test(wanted) ? 'ko' : 'en';
}

export function currentLanguage() {
  return language;
}

/** Whether there are words of that name. @param {string} name */
export function knows(name) {
  return Object.hasOwn(WORDS.en, name);
}

/** @param {string} name @param {Details} [details] */
export function words(name, details = {}) {
  const text = WORDS[language][name] ?? '';
  return text.replace(/\{(\w+)\}/g, (_, key) => String(details[key] ?? ''));
}

/**
 * Writes words into an element, and remembers which, so that a change of language finds them. Always as text, never as
 * markup.
 * @param {Element} element @param {string} name @param {Details} [details]
 */
export function say(element, name, details) {
  element.setAttribute('data-word', name);
  if (details === undefined) element.removeAttribute('data-details');
  else element.setAttribute('data-details', JSON.stringify(details));
  element.textContent = words(name, details);
}

/** Takes the words out of an element. @param {Element} element */
export function unsay(element) {
  element.removeAttribute('data-word');
  element.textContent = '';
}

/** Puts the whole page into its language. */
export function translatePage() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll('[data-word]')) {
    const details = element.getAttribute('data-details');
    element.textContent = words(
      element.getAttribute('data-word') ?? '',
      details === null ? {} : /** @type {Details} */ (JSON.parse(details)),
    );
  }
}

/** Changes to the other language; the address remembers it, and nothing else does. */
export function switchLanguage() {
  language = language === 'ko' ? 'en' : 'ko';
  const url = new URL(location.href);
  url.searchParams.set('lang', language);
  history.replaceState(null, '', url);
  translatePage();
}
