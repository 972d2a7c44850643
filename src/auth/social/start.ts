import {
  Catch,
  Injectable,
  type ArgumentsHost,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Config } from '../../config/config.js';
import type { ProblemCode } from '../../problems/catalogue.js';
import { logOutage } from '../../problems/outage-log.js';
import { answerProblem, problemOf } from '../../problems/problem.filter.js';
import { Problem } from '../../problems/problem.js';
import type { LoginErrorCode } from './login-error.js';
import { defaultPage, withLoginError } from './return-to.js';

/**
 * Lets only a window go to a provider. A picture in somebody's post would otherwise begin log-ins in its readers' browsers.
 * Requests without Fetch Metadata, which programs send, are let through.
 */
@Injectable()
export class NavigationGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { 'sec-fetch-dest': destination } = context.switchToHttp().getRequest<FastifyRequest>().headers;
    if (destination === undefined || destination === 'document') return true;
    throw new Problem('bad_request', {
      reason: `a log-in does not begin as ${destination.slice(0, 20)}`,
    });
  }
}

/**
 * True where a page of another site sends the browser here without an act of the person (ASVS V7.6.2). A link that is followed
 * carries `Sec-Fetch-User`, except in Safari, where people are asked first. Browsers without Fetch Metadata are let through;
 * pages of the same site are trusted as SameSite does.
 */
export function needsConfirmation({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  return headers['sec-fetch-site'] === 'cross-site' && headers['sec-fetch-user'] !== '?1';
}

/**
 * The page that asks whether to log in. Where our pages are on another site (SameSite=None), the page of this origin asks:
 * a browser that does not send `Sec-Fetch-User` would be sent back to the other one again and again.
 */
export function confirmationPage(
  { webOrigins, publicUrl, cookie }: Config,
  provider: string,
  returnTo: string,
): string {
  const page = new URL('/login', cookie.sameSite === 'none' ? publicUrl : webOrigins[0]);
  page.searchParams.set('provider', provider);
  page.searchParams.set('returnTo', returnTo);
  return page.href;
}

/** What is told on the page. Everything else is a mistake in the link, and is told as it is. */
const TOLD: Partial<Record<ProblemCode, LoginErrorCode>> = {
  temporarily_unavailable: 'temporarily_unavailable',
  unexpected: 'unexpected',
};

/** Sends a person back to the page when they cannot be sent to the provider; a program gets a problem. */
@Catch()
export class AuthorizeErrorFilter implements ExceptionFilter {
  constructor(private readonly config: Config) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const problem = problemOf(error);
    const told = TOLD[problem.code];
    if (told === undefined || request.headers['sec-fetch-mode'] !== 'navigate') {
      return answerProblem(error, request, reply);
    }
    const { id: reqId, log } = request;
    const line = { reqId, loginError: told, reason: problem.reason ?? told, err: problem.cause };
    if (told === 'temporarily_unavailable') logOutage(request, line, 'log-in could not begin');
    else log.error(line, 'log-in could not begin');
    void reply
      .code(303)
      .header('location', withLoginError(defaultPage(this.config), told))
      .send();
  }
}
