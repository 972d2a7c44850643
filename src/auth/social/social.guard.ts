import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from '../../problems/problem.js';
import { routedNetworkOf } from '../../rate-limits/client-address.js';
import { LoginRateLimits } from '../rate-limits/login-rate-limits.js';
import { TransactionCookies, type OAuthTransaction } from './transaction-cookies.js';
import { LoginError, meaningOf, printableCode } from './login-error.js';
import type { Provider, SocialLogin } from './provider.js';
import { Providers } from './providers.js';

/** Codes of the providers have at most a few hundred characters. */
const MAX_CODE_LENGTH = 4_096;

declare module 'fastify' {
  interface FastifyRequest {
    /** Transaction of a callback; set by {@link SocialGuard} even if the callback is refused afterwards. */
    oauthTransaction?: OAuthTransaction;
    /** User whom the provider has identified; set by {@link SocialGuard}. */
    socialLogin?: SocialLogin;
  }
}

/**
 * Admits callbacks of OAuth transactions that the same browser has started, after the provider has identified the user.
 * Other requests end with a {@link LoginError}.
 */
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
    // Before the other checks, so that each transaction ends with its first callback.
    const transaction = await this.transactions.take(request, http.getResponse<FastifyReply>(), query.state);
    request.oauthTransaction = transaction;
    if (transaction.provider !== provider.id) throw invalid(`the transaction is of ${transaction.provider}`);
    const code = codeOf(query, provider);
    request.socialLogin = await this.runInBulkhead(provider, request.ip, () =>
      provider.identify(code, transaction),
    );
    return true;
  }

  /**
   * Runs the calls of a callback in the bulkhead of the provider, and counts a refusal.
   * @throws {LoginError} `provider_unavailable` when the queue is full, and the errors of the calls.
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

/**
 * Returns the code of a callback. Its other members (`scope`, `authuser`, `prompt`, `hd`) are not used.
 * @throws {LoginError} the error that the provider has put into the query, or `login_attempt_invalid`.
 */
function codeOf({ iss, error, code }: Readonly<Record<string, unknown>>, provider: Provider): string {
  if (iss !== undefined && (typeof iss !== 'string' || !provider.isIssuer(iss)))
    throw invalid('iss names another issuer');
  if (error !== undefined) {
    if (typeof error !== 'string') throw invalid('error is given more than once');
    throw new LoginError(meaningOf(error) ?? 'provider_rejected', {
      reason: `${provider.id} sent the browser back with ${printableCode(error)}`,
      fromQuery: true,
    });
  }
  if (typeof code !== 'string' || code === '' || code.length > MAX_CODE_LENGTH)
    throw invalid('there is no code, or more than one');
  return code;
}

/** True for a response of the provider that identifies no user. */
function isRefusal(error: unknown): boolean {
  return error instanceof LoginError && error.code !== 'provider_unavailable';
}

function invalid(reason: string): LoginError {
  return new LoginError('login_attempt_invalid', { reason });
}
