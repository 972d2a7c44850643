/**
 * The element with that id, which the page's HTML promises.
 * @template {Element} T
 * @param {string} id @param {new () => T} kind
 * @returns {T}
 */
export function element(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} #${id}`);
  return found;
}

/** Shows one of several alternatives and hides the others. @param {Iterable<HTMLElement>} all @param {HTMLElement} one */
export function showOnly(all, one) {
  for (const each of all) each.hidden = each !== one;
}
