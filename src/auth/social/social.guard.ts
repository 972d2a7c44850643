import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from '../../problems/problem.js';
import { routedNetworkOf } from '../../rate-limits/client-address.js';
import { LoginRateLimits } from '../rate-limits/limits.js';
import { TransactionCookies, type OAuthTransaction } from './transaction-cookies.js';
import { LoginError, meaningOf, printableCode } from './login-error.js';
import type { Provider, SocialLogin } from './provider.js';
import { Providers } from './providers.js';

/** Providers' codes have a few dozen to a few hundred characters. */
const MAX_CODE_LENGTH = 4_096;

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the social guard as soon as a callback has been found to belong to an attempt of this browser. */
    loginAttempt?: OAuthTransaction;
    /** Set by the social guard: the person that a provider vouches for. */
    socialLogIn?: SocialLogin;
  }
}

/** Lets in callbacks of log-ins that this very browser began and that the provider confirms. Everything else is a {@link LoginError}. */
@Injectable()
export class SocialGuard implements CanActivate {
  constructor(
    private readonly providers: Providers,
    private readonly transactions: TransactionCookies,
    private readonly limits: LoginRateLimits,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest<{ Params: { provider: string } }>>();
    const provider = this.providers.find(request.params.provider);
    if (provider === undefined) throw invalid('there is no such provider');
    const query = request.query as Readonly<Record<string, unknown>>;
    // First of all, and whatever else is in the query: an attempt is good for one callback.
    const attempt = await this.transactions.take(request, http.getResponse<FastifyReply>(), query.state);
    request.loginAttempt = attempt;
    if (attempt.provider !== provider.id) throw invalid(`the attempt was for ${attempt.provider}`);
    const code = codeOf(query, provider);
    request.socialLogIn = await this.runInBulkhead(provider, request.ip, () =>
      provider.identify(code, attempt),
    );
    return true;
  }

  /**
   * Runs the calls of a callback when its turn comes, and counts a refusal. Where too many wait, the provider is
   * `provider_unavailable`.
   */
  private async runInBulkhead<T>(provider: Provider, address: string, calls: () => Promise<T>): Promise<T> {
    const slow = await this.limits.hasManyRefused(address);
    try {
      return await (slow ? provider.slowCallbacks : provider.callbacks).run(calls, {
        key: routedNetworkOf(address),
      });
    } catch (error) {
      if (error instanceof Problem && error.code === 'temporarily_unavailable')
        throw new LoginError('provider_unavailable', { reason: error.reason ?? provider.id });
      if (isRefusal(error)) await this.limits.callbackRefused(address);
      throw error;
    }
  }
}

/** The code that a provider sent the browser back with; its other members (`scope`, `authuser`, `prompt`, `hd`) say nothing. */
function codeOf({ iss, error, code }: Readonly<Record<string, unknown>>, provider: Provider): string {
  if (iss !== undefined && (typeof iss !== 'string' || !provider.isIssuer(iss)))
    throw invalid('iss is somebody else');
  if (error !== undefined) {
    if (typeof error !== 'string') throw invalid('error is given more than once');
    throw new LoginError(meaningOf(error) ?? 'provider_rejected', {
      reason: `${provider.id} sent the browser back with ${printableCode(error)}`,
      hearsay: true,
    });
  }
  if (typeof code !== 'string' || code === '' || code.length > MAX_CODE_LENGTH)
    throw invalid('there is no code, or more than one');
  return code;
}

/** True where a provider answered, and confirmed nobody. */
function isRefusal(error: unknown): boolean {
  return error instanceof LoginError && error.code !== 'provider_unavailable';
}

function invalid(reason: string): LoginError {
  return new LoginError('login_attempt_invalid', { reason });
}
