import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Config } from '../../config/config.js';
import { logOutage } from '../../problems/outage-log.js';
import { problemOf } from '../../problems/problem.filter.js';
import { LoginError, type LoginErrorCode } from './login-error.js';
import { defaultPage, withLoginError } from './return-to.js';

/** How loud each is in the log: strangers can cause the quiet ones, an operator must act on the loud ones. */
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

/** Sends people whose log-in failed back to the page they came from, whatever the error: there is a person at the other end, not a program. */
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
      // An outage needs no stack.
      ...(code === 'temporarily_unavailable'
        ? { message: (cause as Error | undefined)?.message }
        : { err: cause }),
    };
    const level = fromQuery && LEVELS[code] === 'error' ? 'warn' : LEVELS[code];
    // What the browser says of an outage may be made up, and is no reason to leave lines out.
    const outage = code === 'temporarily_unavailable' || (code === 'provider_unavailable' && !fromQuery);
    if (outage) logOutage(request, line, 'log-in failed', level);
    else
      request.log[level](
        line,
        code === 'provider_misconfigured' ? this.advice(line.provider) : 'log-in failed',
      );
    const page = request.loginAttempt?.returnTo ?? defaultPage(this.config);
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
      `log-in failed: the provider refuses us. Check ${name}_CLIENT_ID, ${name}_CLIENT_SECRET and ${name}_SCOPE, and that its ` +
      `console knows the redirect URI ${this.config.publicUrl}/auth/${provider}/callback`
    );
  }
}

/** Problems that can happen once the provider has vouched for someone. */
function loginErrorOf(error: unknown): LoginError {
  const { code, reason, cause } = problemOf(error);
  const known = code === 'account_disabled' || code === 'temporarily_unavailable' ? code : 'unexpected';
  return new LoginError(known, { reason: reason ?? code, cause });
}
