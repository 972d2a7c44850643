import { Controller, Post, Req, Res, UseGuards } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Public } from '../../access/access.decorators.js';
import { ApiCookieAuth, ApiOperation, ApiTags } from '../../openapi/decorators.js';
import { Returns, ApiProblems } from '../../openapi/responses.js';
import { Problem } from '../../problems/problem.js';
import { CountsAs } from '../../rate-limits/rate-limited.js';
import { siteOf } from '../../rate-limits/client-address.js';
import { RateLimits } from '../../rate-limits/rate-limits.js';
import { CsrfGuard } from '../../http/csrf.guard.js';
import { RefreshCookie } from './refresh-cookie.js';
import { tokenResponse, type TokenResponse } from './schemas.js';
import { TokenResponses } from './token-responses.js';
import { SessionReplaced, Sessions } from './sessions.js';

/** Refresh and logout. The refresh cookie is their only credential. */
@ApiTags('Sessions')
@ApiCookieAuth('refreshCookie')
@Controller('auth')
@UseGuards(CsrfGuard)
export class SessionsController {
  constructor(
    private readonly sessions: Sessions,
    private readonly cookie: RefreshCookie,
    private readonly responses: TokenResponses,
    private readonly limits: RateLimits,
  ) {}

  @Post('refresh')
  @Public()
  @CountsAs('refresh')
  @ApiOperation({
    summary: 'Get a new access token',
    description:
      'Exchanges the refresh cookie for its successor. Repeating the call is safe: parallel and repeated calls get the same successor. `session_ended` clears the cookie, except with `Retry-After`: a login has just replaced the session, and the cookie may already be that of the new session. Repeat the call then.',
  })
  @Returns(200, tokenResponse, 'A new access token; the successor of the refresh token is in the cookie')
  @ApiProblems('refresh_token_invalid', 'session_ended', 'origin_not_allowed', 'temporarily_unavailable')
  async refresh(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TokenResponse> {
    const [presented] = this.cookie.read(request);
    const session = this.sessions.sessionOf(presented);
    if (session !== undefined) {
      // The key has the site as well: a thief at another site cannot use up the owner's requests, and so cannot prevent the
      // refresh of the owner by which the reuse is detected.
      const own = `${session} ${siteOf(request.ip)}`;
      await this.limits.hit('refresh', { own, address: request.ip });
    }
    try {
      return this.responses.send(reply, await this.sessions.refresh(presented));
    } catch (error) {
      // Only `session_ended` is final. After another error the cookie may be valid, or a sibling tab may have received a newer cookie.
      const isFinal = error instanceof Problem && error.code === 'session_ended';
      if (isFinal && !(error instanceof SessionReplaced)) this.cookie.clear(reply);
      throw error;
    }
  }

  @Post('logout')
  @Public()
  @ApiOperation({
    summary: 'Log out',
    description:
      'Ends the session everywhere, at once. Without a session the response is the same. If a login has just replaced the session, the cookie is not cleared, because it may already be that of the new session.',
  })
  @Returns(204, undefined, 'Logged out')
  @ApiProblems('origin_not_allowed', 'temporarily_unavailable')
  async logout(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const tokens = this.cookie.read(request);
    const over = await Promise.all(tokens.map((token) => this.sessions.logout(token)));
    if (!over.includes(false)) this.cookie.clear(reply);
  }
}
