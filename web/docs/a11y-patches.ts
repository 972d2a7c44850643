/** Accessible names for elements that Swagger UI leaves without one; in English, like the rest of it. */
const NAMES: Readonly<Record<string, string>> = {
  '#servers': 'Server',
  '.examples-select-element': 'Example',
  '.body-param__text': 'Request body',
};

/** Fixes accessibility defects of Swagger UI in `container`, after each of its changes. */
export function patchAccessibility(container: Element): void {
  const patch = () => {
    for (const [selector, name] of Object.entries(NAMES)) {
      for (const element of container.querySelectorAll(`${selector}:not([aria-label])`))
        element.setAttribute('aria-label', name);
    }
    for (const parameter of container.querySelectorAll<HTMLElement>('[data-param-name]')) {
      for (const field of parameter.querySelectorAll('select:not([aria-label])'))
        field.setAttribute('aria-label', parameter.dataset['paramName'] ?? '');
    }
    // Makes scrollable elements focusable.
    for (const code of container.querySelectorAll('pre.microlight:not([tabindex])'))
      code.setAttribute('tabindex', '0');
    // The link is inside a button that does the same.
    for (const link of container.querySelectorAll('.opblock-summary-control a[href]'))
      link.removeAttribute('href');
  };
  new MutationObserver(patch).observe(container, { childList: true, subtree: true });
}
