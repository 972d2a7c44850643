import { Body, Controller, Get, Headers, Post, Query } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { Public } from '../../access/access.decorators.js';
import { Config } from '../../config/config.js';
import type { ProviderCredentials } from '../../config/providers.js';
import { ApiConsumes, ApiOperation, ApiTags } from '../../openapi/decorators.js';
import { Returns, ApiProblems } from '../../openapi/responses.js';
import { Problem } from '../../problems/problem.js';
import { Identities } from './identities.js';
import { subjectOf } from './social-profile.js';
import { isFromKakao, readNaverNotice, type Members } from './unlink-notices.js';

/** Where Kakao and Naver tell that somebody has ended the connection there. Repeating a notice changes nothing. */
@ApiTags('Social log-in')
@Controller('auth')
@Public()
export class UnlinkNoticesController {
  constructor(
    private readonly config: Config,
    private readonly identities: Identities,
  ) {}

  @Get('kakao/unlinked')
  @ApiOperation({
    summary: 'Hear from Kakao that someone has unlinked',
    description:
      'For Kakao’s servers, with the admin key. Also answers 200 for people we do not know, as Kakao asks.',
  })
  @Returns(200, undefined, 'Heard')
  @ApiProblems('forbidden', 'provider_not_enabled', 'temporarily_unavailable')
  kakaoByQuery(@Headers('authorization') key: string | undefined, @Query() members: Members): Promise<void> {
    return this.kakao(key, members);
  }

  @Post('kakao/unlinked')
  @RouteConfig({ takesForms: true })
  @ApiConsumes('application/x-www-form-urlencoded')
  @ApiOperation({
    summary: 'Hear from Kakao that someone has unlinked, by form',
    description: 'The same, where the console says POST.',
  })
  @Returns(200, undefined, 'Heard')
  @ApiProblems('forbidden', 'provider_not_enabled', 'temporarily_unavailable')
  kakaoByForm(@Headers('authorization') key: string | undefined, @Body() members: Members): Promise<void> {
    return this.kakao(key, members ?? {});
  }

  @Post('naver/unlinked')
  @RouteConfig({ takesForms: true })
  @ApiConsumes('application/x-www-form-urlencoded')
  @ApiOperation({
    summary: 'Hear from Naver that someone has unlinked',
    description: 'For Naver’s servers, signed with the client secret.',
  })
  @Returns(204, undefined, 'Heard')
  @ApiProblems('bad_request', 'provider_not_enabled', 'temporarily_unavailable')
  async naver(@Query() query: Members, @Body() form: Members): Promise<void> {
    const { clientId, clientSecret } = this.credentials('naver');
    if (clientSecret === undefined) throw new Problem('provider_not_enabled');
    const ours = { clientId, clientSecret: clientSecret.reveal() };
    const notice = readNaverNotice({ ...query, ...form }, ours, Date.now());
    if (notice === undefined) throw new Problem('bad_request', { reason: 'not a notice of Naver’s' });
    await this.identities.unlinkedAtProvider('naver', notice.subject, notice.at);
  }

  private async kakao(key: string | undefined, { app_id: appId, user_id: userId }: Members): Promise<void> {
    const { adminKey, appId: ourAppId } = this.credentials('kakao');
    if (adminKey === undefined)
      throw new Problem('provider_not_enabled', { reason: 'KAKAO_ADMIN_KEY is not set' });
    if (!isFromKakao(key, adminKey.reveal())) throw new Problem('forbidden', { reason: 'another admin key' });
    if (ourAppId !== undefined && appId !== ourAppId)
      throw new Problem('forbidden', { reason: 'another app_id' });
    const subject = subjectOf(userId);
    if (subject !== undefined) await this.identities.unlinkedAtProvider('kakao', subject);
  }

  private credentials(provider: string): ProviderCredentials {
    const credentials = this.config.providers[provider];
    if (credentials === undefined) throw new Problem('provider_not_enabled');
    return credentials;
  }
}
