import { Body, Controller, Delete, Get, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { CurrentActor, type Actor } from '../../access/actor.js';
import { ApiOperation, ApiTags } from '../../openapi/decorators.js';
import { Returns, ApiProblems } from '../../openapi/responses.js';
import { AuditLog } from '../audit/audit-log.js';
import { AccountDeletion } from './account-deletion.js';
import { RefreshCookie } from '../sessions/refresh-cookie.js';
import { Sessions } from '../sessions/sessions.js';
import { accountDeletion, auditPage, auditQuery } from './schemas.js';

/** Audit events and deletion of the caller's account. */
@ApiTags('Account')
@Controller('auth')
export class AccountController {
  constructor(
    private readonly audit: AuditLog,
    private readonly deletion: AccountDeletion,
    private readonly sessions: Sessions,
    private readonly cookie: RefreshCookie,
  ) {}

  @Get('events')
  @ApiOperation({
    summary: 'Read what happened to your account',
    description:
      'Newest first: logins, ends of sessions with their reasons, and changes of passwords and linked accounts.',
  })
  @Returns(200, auditPage, 'A page of events')
  @ApiProblems('validation_failed', 'temporarily_unavailable')
  events(
    @CurrentActor() actor: Actor,
    @Query({ schema: auditQuery }) { cursor, limit }: z.output<typeof auditQuery>,
  ): Promise<z.output<typeof auditPage>> {
    return this.audit.list(actor, limit, cursor);
  }

  @Delete('account')
  @ApiOperation({
    summary: 'Delete your account',
    description:
      'Needs the password, or a login within the last ten minutes. Ends every session, and the connections at the providers.',
  })
  @Returns(204, undefined, 'It is gone')
  @ApiProblems(
    'validation_failed',
    'credentials_invalid',
    'too_many_attempts',
    'reauthentication_required',
    'temporarily_unavailable',
  )
  async delete(
    @CurrentActor() actor: Actor,
    @Body({ schema: accountDeletion }) body: z.output<typeof accountDeletion>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    await this.deletion.delete(actor, body?.password, request.ip);
    // The cookie may belong to the session of a later login.
    if (this.sessions.sessionOf(this.cookie.read(request)[0]) === actor.sessionId) this.cookie.clear(reply);
  }
}
