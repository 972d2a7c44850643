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
import { z } from 'zod';
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
import { Identities } from './identities.js';
import { Identity } from './identity.entity.js';
import { LoginErrorFilter } from './login-error.filter.js';
import { LOGIN_ERRORS, LoginError } from './login-error.js';
import { PROVIDER_BUDGET_MS } from './provider-http.js';
import { Providers } from './providers.js';
import { defaultPage, resolveReturnTo, withLoginError } from './return-to.js';
import { SocialGuard } from './social.guard.js';
import { confirmationPage, needsConfirmation, AuthorizeErrorFilter, NavigationGuard } from './start.js';

const providerList = z
  .array(
    z.object({
      id: z.string().meta({ example: 'kakao' }),
      name: z.string().meta({ example: 'Kakao' }),
      loginUrl: z.url().meta({ description: 'Where the button leads; add `?returnTo=`.' }),
      openOutside: z.literal(true).optional().meta({
        description:
          'Set where this browser is embedded in an app, and the provider refuses such browsers: open the page in another one.',
      }),
    }),
  )
  // At most one for each provider.
  .max(20)
  .meta({ id: 'ProviderList' });
export type ProviderList = z.output<typeof providerList>;

/** Logging in with somebody else's account. No token is ever in a URL: the page gets the cookie, and refreshes. */
@ApiTags('Social log-in')
@Controller('auth')
@Public()
export class SocialController {
  constructor(
    private readonly config: Config,
    private readonly providers: Providers,
    private readonly transactions: TransactionCookies,
    private readonly identities: Identities,
    private readonly login: Login,
    private readonly refreshCookie: RefreshCookie,
  ) {}

  @Get('providers')
  @ApiOperation({ summary: 'List the providers that people can log in with' })
  @Returns(200, providerList, 'Those that are enabled, in the order of the buttons')
  @Header('vary', 'Origin, User-Agent')
  list(@Headers('user-agent') userAgent?: string): z.output<typeof providerList> {
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
      // The provider's own page of refusal leads nowhere.
      void reply.code(HttpStatus.SEE_OTHER).header('location', withLoginError(page, 'browser_not_supported'));
      return;
    }
    const { url, departure } = await provider.authorizationRequest(this.transactions.newState());
    const replaces = this.login.sessionsIn(request);
    await this.transactions.save(request, reply, { ...departure, provider: id, returnTo: page, replaces });
    void reply.header('location', url);
  }

  @Get(':provider/callback')
  @UseGuards(SocialGuard)
  @UseFilters(LoginErrorFilter)
  @ApiOperation({
    summary: 'Come back from a provider',
    description: `Where providers send browsers to. When the log-in failed, the page gets \`?login_error=\` with one of ${LOGIN_ERRORS.map((code) => `\`${code}\``).join(', ')}.`,
  })
  @ApiParam({ name: 'provider', example: 'google' })
  @RouteConfig({ answersWithin: MAX_QUEUE_WAIT_MS + PROVIDER_BUDGET_MS + REQUEST_BUDGET_MS })
  @Returns(303, undefined, 'The page that the log-in began at, with the refresh cookie')
  async callback(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    // The provider's calls came before, with time limits of their own.
    await withinBudget(() => this.completeLoginOrLink(request, reply));
  }

  private async completeLoginOrLink(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { socialLogIn, loginAttempt } = request;
    if (socialLogIn === undefined) throw new Error('the guard let nobody in');
    const { provider, subject } = socialLogIn.profile;
    const linkTo = loginAttempt?.linkTo;
    const name = this.providers.find(provider)?.name ?? provider;
    const account = await this.identities.findOrOpenAccount(socialLogIn, name, linkTo);
    if (linkTo === undefined) {
      const proof = identityProof(provider, subject);
      const { refreshToken } = await this.login.complete(account, proof, reply, loginAttempt?.replaces);
      this.refreshCookie.set(reply, refreshToken);
    }
    void reply.header('location', loginAttempt?.returnTo ?? defaultPage(this.config));
  }
}

/** An identity that a provider has confirmed, and that may be unlinked meanwhile. */
function identityProof(provider: string, subject: string): LoginProof {
  return {
    method: provider,
    holds: (db, { id: accountId }) => db.existsBy(Identity, { provider, subject, accountId }),
    outdated: (reason) => new LoginError('login_attempt_invalid', { reason }),
  };
}
