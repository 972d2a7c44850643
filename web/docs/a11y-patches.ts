/** What Swagger UI gives no name, and what to call it; in English, like the rest of it. */
const NAMES: Readonly<Record<string, string>> = {
  '#servers': 'Server',
  '.examples-select-element': 'Example',
  '.body-param__text': 'Request body',
};

/** Mends what Swagger UI shows in `place` for those who listen to it or use the keyboard, whenever it shows something else. */
export function patchAccessibility(place: Element): void {
  const mendNow = () => {
    for (const [selector, name] of Object.entries(NAMES)) {
      for (const element of place.querySelectorAll(`${selector}:not([aria-label])`))
        element.setAttribute('aria-label', name);
    }
    for (const parameter of place.querySelectorAll<HTMLElement>('[data-param-name]')) {
      for (const field of parameter.querySelectorAll('select:not([aria-label])'))
        field.setAttribute('aria-label', parameter.dataset['paramName'] ?? '');
    }
    // What can be scrolled has to be reached.
    for (const code of place.querySelectorAll('pre.microlight:not([tabindex])'))
      code.setAttribute('tabindex', '0');
    // A link within a button: the button does the same.
    for (const link of place.querySelectorAll('.opblock-summary-control a[href]'))
      link.removeAttribute('href');
  };
  new MutationObserver(mendNow).observe(place, { childList: true, subtree: true });
}
