import type { Config } from '../config/config.js';

/** Content security policy: scripts, styles and requests of this origin only, pictures also of `IMAGE_ORIGINS`, no frames. */
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

/** Returns the security headers of every response, also of responses without hooks: refusals by Node.js. */
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
    // Personal data and tokens must not be cached. Routes with public responses override this.
    'cache-control': 'no-store',
    ...(publicUrl.startsWith('https:') && {
      'strict-transport-security': 'max-age=31536000; includeSubDomains',
    }),
  };
}
