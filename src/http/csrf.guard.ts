import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Config } from '../config/config.js';
import { Problem } from '../problems/problem.js';

/**
 * Keeps pages that are not ours from using the refresh cookie, whatever its SameSite says. Programs that are not browsers
 * send neither header and are let through: nobody lends them a cookie.
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
    // With SameSite=None our own pages may be on another site; then the Origin that was checked above must vouch for them.
    if (site === 'cross-site' && !(this.crossSite && origin !== undefined))
      refuse('Sec-Fetch-Site is cross-site');
    return true;
  }
}

function refuse(reason: string): never {
  throw new Problem('origin_not_allowed', { reason });
}
