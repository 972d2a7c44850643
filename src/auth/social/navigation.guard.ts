import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Problem } from '../../problems/problem.js';

/**
 * Admits top-level navigations only (`Sec-Fetch-Dest: document`). A picture in a post could otherwise start logins in the browsers
 * of its readers. Requests without Fetch Metadata come from programs, and are admitted.
 */
@Injectable()
export class NavigationGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { 'sec-fetch-dest': destination } = context.switchToHttp().getRequest<FastifyRequest>().headers;
    if (destination === undefined || destination === 'document') return true;
    throw new Problem('bad_request', {
      reason: `a login does not start as ${destination.slice(0, 20)}`,
    });
  }
}
