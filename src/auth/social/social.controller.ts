import {
  Controller,
  Get,
  Header,
  Headers,
  HttpStatus,
  Param,
  Query,
  Req,
  Res,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Public } from '../../access/access.decorators.js';
import { Config } from '../../config/config.js';
import { REQUEST_BUDGET_MS, withinBudget } from '../../http/request-budget.js';
import { ApiOperation, ApiParam, ApiQuery, ApiTags } from '../../openapi/decorators.js';
import { Returns, ApiProblems } from '../../openapi/responses.js';
import { Problem } from '../../problems/problem.js';
import { MAX_QUEUE_WAIT_MS } from '../../concurrency/bulkhead.js';
import { Login, type LoginProof } from '../login/login.js';
import { RefreshCookie } from '../sessions/refresh-cookie.js';
import { TransactionCookies } from './transaction-cookies.js';
import { AuthorizeErrorFilter } from './authorize-error.filter.js';
import { Identity } from './identity.entity.js';
import { LoginErrorFilter } from './login-error.filter.js';
import { LOGIN_ERRORS, LoginError } from './login-error.js';
import { confirmationPage, needsConfirmation } from './login-confirmation.js';
import { NavigationGuard } from './navigation.guard.js';
import { PROVIDER_BUDGET_MS } from './provider-http.js';
import { Providers } from './providers.js';
import { defaultPage, resolveReturnTo, withLoginError } from './return-to.js';
import { providerList, type ProviderList } from './schemas.js';
import { SocialAccounts } from './social-accounts.js';
import { SocialGuard } from './social.guard.js';

/** Login with a provider. URLs contain no token: the page gets the refresh cookie, and then an access token with it. */
@ApiTags('Social login')
@Controller('auth')
@Public()
export class SocialController {
  constructor(
    private readonly config: Config,
    private readonly providers: Providers,
    private readonly transactions: TransactionCookies,
    private readonly accounts: SocialAccounts,
    private readonly login: Login,
    private readonly refreshCookie: RefreshCookie,
  ) {}

  @Get('providers')
  @ApiOperation({ summary: 'List the providers that people can log in with' })
  @Returns(200, providerList, 'Those that are enabled, in the order of the buttons')
  @Header('vary', 'Origin, User-Agent')
  list(@Headers('user-agent') userAgent?: string): ProviderList {
    return this.providers.list().map((provider) => {
      const { id, name, loginUrl } = provider;
      return { id, name, loginUrl, ...(!provider.accepts(userAgent) && { openOutside: true as const }) };
    });
  }

  @Get(':provider')
  @UseFilters(AuthorizeErrorFilter)
  @UseGuards(NavigationGuard)
  @ApiOperation({
    summary: 'Log in with a provider',
    description:
      'For browsers to go to, not for scripts to fetch. Where a page of another site sends the browser here without a click, the answer is 303 to `/login?provider=…&returnTo=…` on the web page, which asks first.',
  })
  @ApiParam({ name: 'provider', example: 'google' })
  @ApiQuery({
    name: 'returnTo',
    required: false,
    type: String,
    description:
      'Where to land afterwards: a path on the web page, or a URL whose origin is in `WEB_ORIGINS`, but nothing below `/auth/` here. At most 1024 characters.',
  })
  @Returns(302, undefined, "The provider's page")
  @ApiProblems('provider_not_enabled', 'return_to_not_allowed', 'bad_request')
  async start(
    @Param('provider') id: string,
    @Query('returnTo') returnTo: unknown,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const provider = this.providers.find(id);
    if (provider === undefined) throw new Problem('provider_not_enabled');
    const page = resolveReturnTo(returnTo, this.config);
    if (needsConfirmation(request)) {
      void reply.code(HttpStatus.SEE_OTHER).header('location', confirmationPage(this.config, id, page));
      return;
    }
    if (!provider.accepts(request.headers['user-agent'])) {
      // The error page of the provider has no way back.
      void reply.code(HttpStatus.SEE_OTHER).header('location', withLoginError(page, 'browser_not_supported'));
      return;
    }
    const { url, authorization } = await provider.authorizationRequest(this.transactions.newState());
    const replaces = this.login.sessionsIn(request);
    await this.transactions.save(request, reply, {
      ...authorization,
      provider: id,
      returnTo: page,
      replaces,
    });
    void reply.header('location', url);
  }

  @Get(':provider/callback')
  @UseGuards(SocialGuard)
  @UseFilters(LoginErrorFilter)
  @ApiOperation({
    summary: 'Come back from a provider',
    description: `Where providers send browsers to. When the login failed, the page gets \`?login_error=\` with one of ${LOGIN_ERRORS.map((code) => `\`${code}\``).join(', ')}.`,
  })
  @ApiParam({ name: 'provider', example: 'google' })
  @RouteConfig({ respondsWithin: MAX_QUEUE_WAIT_MS + PROVIDER_BUDGET_MS + REQUEST_BUDGET_MS })
  @Returns(303, undefined, 'The page that the login began at, with the refresh cookie')
  async callback(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    // The calls to the provider have time limits of their own; the budget of the request starts after them.
    await withinBudget(() => this.completeLoginOrLink(request, reply));
  }

  private async completeLoginOrLink(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { socialLogin, oauthTransaction } = request;
    if (socialLogin === undefined) throw new Error('SocialGuard has not run');
    const { provider, subject } = socialLogin.profile;
    const linkTo = oauthTransaction?.linkTo;
    const name = this.providers.find(provider)?.name ?? provider;
    const account = await this.accounts.findOrOpenAccount(socialLogin, name, linkTo);
    if (linkTo === undefined) {
      const proof = identityProof(provider, subject);
      const { refreshToken } = await this.login.complete(account, proof, reply, oauthTransaction?.replaces);
      this.refreshCookie.set(reply, refreshToken);
    }
    void reply.header('location', oauthTransaction?.returnTo ?? defaultPage(this.config));
  }
}

/** Proof of a login with an identity. It does not hold any more if the identity has been unlinked meanwhile. */
function identityProof(provider: string, subject: string): LoginProof {
  return {
    method: provider,
    holds: (db, { id: accountId }) => db.existsBy(Identity, { provider, subject, accountId }),
    outdated: (reason) => new LoginError('login_attempt_invalid', { reason }),
  };
}
