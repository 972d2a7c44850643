import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Config } from '../config/config.js';
import { Problem } from '../problems/problem.js';

/**
 * CSRF guard: checks `Origin` and `Sec-Fetch-Site` of requests with the refresh cookie, independently of SameSite. Clients
 * that are not browsers send neither header and pass, because no page can make them send a cookie.
 */
@Injectable()
export class CsrfGuard implements CanActivate {
  private readonly origins: ReadonlySet<string>;
  private readonly crossSite: boolean;

  constructor({ webOrigins, publicUrl, cookie }: Config) {
    this.origins = new Set([...webOrigins, publicUrl]);
    this.crossSite = cookie.sameSite === 'none';
  }

  canActivate(context: ExecutionContext): boolean {
    const { origin, 'sec-fetch-site': site } = context.switchToHttp().getRequest<FastifyRequest>().headers;
    if (origin !== undefined && !this.origins.has(origin)) refuse('the Origin is not in WEB_ORIGINS');
    // With SameSite=None an allowed page may be cross-site. The Origin, which was checked above, is required then.
    if (site === 'cross-site' && !(this.crossSite && origin !== undefined))
      refuse('Sec-Fetch-Site is cross-site');
    return true;
  }
}

function refuse(reason: string): never {
  throw new Problem('origin_not_allowed', { reason });
}
