import { WEB_PAGES } from '../../src/http/web-pages.js';

const OURS = WEB_PAGES.map((page) => new RegExp(`^${page.replace(/:\w+/g, '[^/]+')}$`));
/** What the server shows at an address of its own. */
const DOCS = /^\/docs\/?$/;

/** Where to go on after a log-in. */
export interface Next {
  readonly href: string;
  /** Whether that is a document of its own, and no page of this one. */
  readonly apart: boolean;
}

/** What `asked` leads to: a page that there is, and nothing else, whatever the address says. */
export function readNext(asked: string): Next {
  if (URL.canParse(asked, location.origin)) {
    const { origin, pathname, search, hash } = new URL(asked, location.origin);
    const isHere = origin === location.origin;
    if (isHere && OURS.some((page) => page.test(pathname))) return { href: pathname + search, apart: false };
    if (isHere && DOCS.test(pathname)) return { href: pathname + search + hash, apart: true };
  }
  return { href: '/', apart: false };
}
