import { Body, Controller, Get, Headers, Param, Post, Query, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyReply } from 'fastify';
import { Public } from '../../access/access.decorators.js';
import { ApiConsumes, ApiOperation, ApiParam, ApiResponse, ApiTags } from '../../openapi/decorators.js';
import { Returns, ApiProblems } from '../../openapi/responses.js';
import { Problem } from '../../problems/problem.js';
import { Identities } from './identities.js';
import type { NoticeMembers, UnlinkNoticeRequest } from './provider-definition.js';
import { Providers } from './providers.js';

/** Unlink webhooks: providers report here that a user has ended the connection there. A repeated notice changes nothing. */
@ApiTags('Social login')
@Controller('auth/:provider/unlinked')
@Public()
export class UnlinkNoticesController {
  constructor(
    private readonly providers: Providers,
    private readonly identities: Identities,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'Receive the notice that a user has unlinked',
    description:
      'For the servers of Kakao, with the admin key. The answer for an unknown user is the same, as Kakao requires.',
  })
  @ApiParam({ name: 'provider', example: 'kakao' })
  @Returns(200, undefined, 'Received')
  @ApiProblems('forbidden', 'provider_not_enabled', 'not_found', 'temporarily_unavailable')
  byQuery(
    @Param('provider') provider: string,
    @Headers('authorization') authorization: string | undefined,
    @Query() members: NoticeMembers,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    return this.receive(provider, { method: 'GET', authorization, members }, reply);
  }

  @Post()
  @RouteConfig({ takesForms: true })
  @ApiConsumes('application/x-www-form-urlencoded')
  @ApiOperation({
    summary: 'Receive the notice that a user has unlinked, as a form',
    description:
      'For the servers of Kakao, with the admin key, where its console says POST; and of Naver, signed with the client secret.',
  })
  @ApiParam({ name: 'provider', example: 'naver' })
  @Returns(200, undefined, 'Received, for Kakao')
  @ApiResponse({ status: 204, description: 'Received, for Naver' })
  @ApiProblems('bad_request', 'forbidden', 'provider_not_enabled', 'not_found', 'temporarily_unavailable')
  byForm(
    @Param('provider') provider: string,
    @Headers('authorization') authorization: string | undefined,
    @Query() query: NoticeMembers,
    @Body() form: NoticeMembers | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const members = { ...query, ...form };
    return this.receive(provider, { method: 'POST', authorization, members }, reply);
  }

  private async receive(id: string, request: UnlinkNoticeRequest, reply: FastifyReply): Promise<void> {
    const provider = this.providers.find(id);
    if (provider === undefined) throw new Problem('provider_not_enabled');
    const { status, notice } = provider.readUnlinkNotice(request);
    if (notice !== undefined) await this.identities.unlinkedAtProvider(id, notice.subject, notice.sentAt);
    void reply.code(status);
  }
}
