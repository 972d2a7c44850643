let transport: typeof fetch = (input, init) => fetch(input, init);

/** The `fetch` of every request of the page. */
export const pageFetch: typeof fetch = (input, init) => transport(input, init);

/** Replaces the browser's `fetch`. The devtools record requests and inject faults this way. */
export function setTransport(next: typeof fetch): void {
  transport = next;
}
