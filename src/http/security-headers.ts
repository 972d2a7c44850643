import type { Config } from '../config/config.js';

/** Scripts, styles and calls from this origin only, pictures also from `IMAGE_ORIGINS`, and no frames around the page. */
function contentSecurityPolicy(imageOrigins: readonly string[]): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    ["img-src 'self' data:", ...imageOrigins].join(' '),
    "connect-src 'self'",
    "font-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join(';');
}

/** The security headers of every response, also of those that no hook sees: refusals by the router and by Node.js. */
export function securityHeaders({
  publicUrl,
  imageOrigins,
}: Pick<Config, 'publicUrl' | 'imageOrigins'>): Readonly<Record<string, string>> {
  return {
    'content-security-policy': contentSecurityPolicy(imageOrigins),
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    vary: 'Origin',
    // Whatever is personal or a token must not stay in a cache; the few public answers say otherwise themselves.
    'cache-control': 'no-store',
    ...(publicUrl.startsWith('https:') && {
      'strict-transport-security': 'max-age=31536000; includeSubDomains',
    }),
  };
}
