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

/** The two calls that live from the cookie alone. */
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
      'Trades the refresh cookie for its successor. Repeating the call is safe: parallel and repeated calls get the same successor. `session_ended` clears the cookie, except with `Retry-After`: a log-in has just replaced the session, the cookie may be that of the new one already, and the call is to be repeated.',
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
      // Of the network, too: a copied cookie elsewhere neither uses up its owner's requests nor keeps reuse from being found.
      const own = `${session} ${siteOf(request.ip)}`;
      await this.limits.hit('refresh', { own, address: request.ip });
    }
    try {
      return this.responses.send(reply, await this.sessions.refresh(presented));
    } catch (error) {
      // Only this answer is final. After any other the cookie may still be good, or a sibling may just have got a better one.
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
      'Ends the session everywhere, at once. Also fine when there is none. Where a log-in has just replaced the session, the cookie is left alone: it may be that of the new one already.',
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
