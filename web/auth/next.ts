import { WEB_PAGES } from '../../src/http/web-pages.js';

const OURS = WEB_PAGES.map((page) => new RegExp(`^${page.replace(/:\w+/g, '[^/]+')}$`));
/** Path of Swagger UI, which is no page of the router. */
const DOCS = /^\/docs\/?$/;

/** Target of the redirect after a login. */
interface Next {
  readonly href: string;
  /** True for a URL outside of the router. */
  readonly apart: boolean;
}

/** Returns the existing page of this site to which `target` leads; otherwise the home page. */
export function readNext(target: string): Next {
  if (URL.canParse(target, location.origin)) {
    const { origin, pathname, search, hash } = new URL(target, location.origin);
    const isHere = origin === location.origin;
    if (isHere && OURS.some((page) => page.test(pathname))) return { href: pathname + search, apart: false };
    if (isHere && DOCS.test(pathname)) return { href: pathname + search + hash, apart: true };
  }
  return { href: '/', apart: false };
}
