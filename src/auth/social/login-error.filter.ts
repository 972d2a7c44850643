import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Config } from '../../config/config.js';
import { logOutage } from '../../problems/outage-log.js';
import { problemOf } from '../../problems/problem.filter.js';
import { LoginError, type LoginErrorCode } from './login-error.js';
import { defaultPage, withLoginError } from './return-to.js';

/** Log level of each code. Clients can cause `info`; the operator must act on `error`. */
const LEVELS: Readonly<Record<LoginErrorCode, 'info' | 'warn' | 'error'>> = {
  access_denied: 'info',
  login_attempt_invalid: 'info',
  browser_not_supported: 'info',
  account_link_required: 'info',
  identity_taken: 'info',
  account_disabled: 'info',
  provider_unavailable: 'warn',
  provider_rejected: 'warn',
  provider_misconfigured: 'error',
  temporarily_unavailable: 'error',
  unexpected: 'error',
};

/** Redirects every failed callback to the page that the login started at, because a browser, not a program, calls it. */
@Catch()
export class LoginErrorFilter implements ExceptionFilter {
  constructor(private readonly config: Config) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest<{ Params: { provider: string } }>>();
    const { code, reason, cause, fromQuery } = error instanceof LoginError ? error : loginErrorOf(error);
    const line = {
      reqId: request.id,
      provider: request.params.provider.slice(0, 40),
      loginError: code,
      reason,
      // Without the stack, which does not help with an outage.
      ...(code === 'temporarily_unavailable'
        ? { message: (cause as Error | undefined)?.message }
        : { err: cause }),
    };
    const level = fromQuery && LEVELS[code] === 'error' ? 'warn' : LEVELS[code];
    // An error in the query may be forged, and must not suppress log lines of real outages.
    const outage = code === 'temporarily_unavailable' || (code === 'provider_unavailable' && !fromQuery);
    if (outage) logOutage(request, line, 'login failed', level);
    else
      request.log[level](
        line,
        code === 'provider_misconfigured' ? this.advice(line.provider) : 'login failed',
      );
    const page = request.oauthTransaction?.returnTo ?? defaultPage(this.config);
    host
      .switchToHttp()
      .getResponse<FastifyReply>()
      .code(303)
      .header('location', withLoginError(page, code))
      .send();
  }

  private advice(provider: string): string {
    const name = provider.toUpperCase();
    return (
      `login failed: the provider refuses this application. Check ${name}_CLIENT_ID, ${name}_CLIENT_SECRET and ${name}_SCOPE, and that its ` +
      `console knows the redirect URI ${this.config.publicUrl}/auth/${provider}/callback`
    );
  }
}

/** Maps the problems that can occur after the provider has identified the user. */
function loginErrorOf(error: unknown): LoginError {
  const { code, reason, cause } = problemOf(error);
  const loginCode = code === 'account_disabled' || code === 'temporarily_unavailable' ? code : 'unexpected';
  return new LoginError(loginCode, { reason: reason ?? code, cause });
}
