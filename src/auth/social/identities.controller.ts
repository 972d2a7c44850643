import { Body, Controller, Delete, Get, Ip, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DataSource } from 'typeorm';
import { CurrentActor, type Actor } from '../../access/actor.js';
import { Config } from '../../config/config.js';
import { ApiOperation, ApiParam, ApiTags } from '../../openapi/decorators.js';
import { Returns, ApiProblems } from '../../openapi/responses.js';
import { Problem } from '../../problems/problem.js';
import { Accounts } from '../accounts/accounts.js';
import { Reauthentication } from '../reauthentication/reauthentication.js';
import { TransactionCookies } from './transaction-cookies.js';
import { hasPassword, Identities } from './identities.js';
import { Providers } from './providers.js';
import { resolveReturnTo } from './return-to.js';
import {
  authorizationUrl,
  linkRequest,
  loginMethods,
  unlinkRequest,
  type AuthorizationUrl,
  type LinkRequest,
  type LoginMethods,
  type UnlinkRequest,
} from './schemas.js';

/** Identities of the caller's account. */
@ApiTags('Social login')
@Controller('auth/identities')
export class IdentitiesController {
  constructor(
    private readonly dataSource: DataSource,
    private readonly accounts: Accounts,
    private readonly config: Config,
    private readonly identities: Identities,
    private readonly providers: Providers,
    private readonly transactions: TransactionCookies,
    private readonly reauthentication: Reauthentication,
  ) {}

  @Get()
  @ApiOperation({ summary: 'List your login methods' })
  @Returns(200, loginMethods, 'Linked accounts, and whether a password is set')
  @ApiProblems('temporarily_unavailable')
  async list(@CurrentActor() actor: Actor): Promise<LoginMethods> {
    const account = await this.accounts.get(actor.accountId);
    const identities = await this.identities.list(actor);
    return {
      identities: identities.map(({ provider, linkedAt, email }) => ({
        provider,
        linkedAt: linkedAt.toISOString(),
        email: email ?? undefined,
      })),
      passwordSet: hasPassword(account),
    };
  }

  @Post(':provider')
  @ApiOperation({
    summary: 'Link an account at a provider',
    description:
      'Needs the password, or a login within the last ten minutes. Send the browser to `url`; it comes back to `returnTo`, with `?login_error=` when it did not work. Call this with credentials, since the attempt is kept in a cookie.',
  })
  @ApiParam({ name: 'provider', example: 'google' })
  @Returns(200, authorizationUrl, "The provider's page")
  @ApiProblems(
    'validation_failed',
    'provider_not_enabled',
    'return_to_not_allowed',
    'credentials_invalid',
    'too_many_attempts',
    'reauthentication_required',
    'temporarily_unavailable',
  )
  async link(
    @CurrentActor() actor: Actor,
    @Param('provider') id: string,
    @Body({ schema: linkRequest }) { returnTo, password }: LinkRequest,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AuthorizationUrl> {
    const provider = this.providers.find(id);
    if (provider === undefined) throw new Problem('provider_not_enabled');
    const page = resolveReturnTo(returnTo, this.config);
    const compared = await this.reauthentication.comparePassword(actor, password, request.ip);
    const account = await this.accounts.get(actor.accountId);
    await this.reauthentication.require(this.dataSource.manager, actor, account, compared);
    const { url, authorization } = await provider.authorizationRequest(this.transactions.newState());
    const { accountId, sessionId } = actor;
    const transaction = { ...authorization, provider: id, returnTo: page, linkTo: { accountId, sessionId } };
    await this.transactions.save(request, reply, transaction);
    return { url };
  }

  @Delete(':provider')
  @ApiOperation({
    summary: 'Unlink an account',
    description:
      'Needs the password, or a login within the last ten minutes. Also ends the connection at the provider, and the sessions that were opened with it, but for the one that asks.',
  })
  @ApiParam({ name: 'provider', example: 'google' })
  @Returns(204, undefined, 'Unlinked')
  @ApiProblems(
    'validation_failed',
    'credentials_invalid',
    'too_many_attempts',
    'reauthentication_required',
    'not_found',
    'last_login_method',
    'temporarily_unavailable',
  )
  async unlink(
    @CurrentActor() actor: Actor,
    @Param('provider') id: string,
    @Body({ schema: unlinkRequest }) body: UnlinkRequest,
    @Ip() address: string,
  ): Promise<void> {
    await this.identities.unlink(actor, id, body?.password, address);
  }
}
