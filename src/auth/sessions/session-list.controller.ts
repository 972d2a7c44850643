import { Controller, Delete, Get, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { CurrentActor, type Actor } from '../../access/actor.js';
import { ApiOperation, ApiTags } from '../../openapi/decorators.js';
import { Returns, ApiProblems } from '../../openapi/responses.js';
import { orNotFound } from '../../problems/or-not-found.js';
import { Problem } from '../../problems/problem.js';
import { RefreshCookie } from './refresh-cookie.js';
import { sessionList, type ListedSession } from './schemas.js';
import { SessionList } from './session-list.js';
import { Sessions } from './sessions.js';

/** Sessions of the caller's account: list, end of a session, end of all other sessions. */
@ApiTags('Sessions')
@Controller('auth/sessions')
export class SessionListController {
  constructor(
    private readonly sessionList: SessionList,
    private readonly sessions: Sessions,
    private readonly cookie: RefreshCookie,
  ) {}

  @Get()
  @ApiOperation({ summary: 'List your sessions', description: 'Last used first.' })
  @Returns(200, sessionList, 'Your sessions')
  @ApiProblems('temporarily_unavailable')
  read(@CurrentActor() actor: Actor): Promise<ListedSession[]> {
    return this.sessionList.list(actor);
  }

  @Delete(':id')
  @ApiOperation({
    summary: 'Log out of a session',
    description: 'Works at once, also for access tokens already issued.',
  })
  @Returns(204, undefined, 'The session has ended')
  @ApiProblems('session_not_found', 'temporarily_unavailable')
  async end(
    @CurrentActor() actor: Actor,
    @Param('id', orNotFound(z.uuid().toLowerCase(), 'session_not_found')) id: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    if (!(await this.sessions.endOwn(actor, id))) throw new Problem('session_not_found');
    // The cookie may be that of a later login.
    if (this.sessions.sessionOf(this.cookie.read(request)[0]) === id) this.cookie.clear(reply);
  }

  @Delete()
  @ApiOperation({ summary: 'Log out of all other sessions' })
  @Returns(204, undefined, 'Only the session of the request is left')
  @ApiProblems('temporarily_unavailable')
  async endOthers(@CurrentActor() actor: Actor): Promise<void> {
    await this.sessions.endOthers(actor);
  }
}
