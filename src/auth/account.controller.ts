import { Body, Controller, Delete, Get, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { CurrentActor, type Actor } from '../access/actor.js';
import { ApiOperation, ApiTags } from '../openapi-decorators.js';
import { Answers, Fails } from '../openapi.js';
import { cursorTo, limit, pageSchema } from '../paging.js';
import { AuditEvents, auditPlace } from './audit-events.js';
import { Departures } from './departures.js';
import { reauthentication } from './reauthentication.js';
import { RefreshCookie } from './refresh-cookie.js';
import { Sessions } from './sessions/sessions.js';

const farewell = reauthentication
  .optional()
  .meta({ id: 'Farewell', description: 'Not needed within ten minutes of logging in.' });
const auditQuery = z.strictObject({ cursor: cursorTo(auditPlace).optional(), limit });
const auditEvent = z
  .object({
    at: z.iso.datetime(),
    kind: z.string().meta({ example: 'session_ended' }),
    sessionId: z.uuid().nullable(),
    details: z.record(z.string(), z.string()).meta({ example: { reason: 'logged_out' } }),
  })
  .meta({ id: 'AuditEvent' });
const auditPage = pageSchema(auditEvent).meta({ id: 'AuditPage' });

/** What happened to one's account, and its end. */
@ApiTags('Account')
@Controller('auth')
export class AccountController {
  constructor(
    private readonly audit: AuditEvents,
    private readonly departures: Departures,
    private readonly sessions: Sessions,
    private readonly cookie: RefreshCookie,
  ) {}

  @Get('events')
  @ApiOperation({
    summary: 'Read what happened to your account',
    description: 'Newest first: log-ins, and why sessions ended, passwords and linked accounts.',
  })
  @Answers(200, auditPage, 'A page of events')
  @Fails('validation_failed', 'temporarily_unavailable')
  events(
    @CurrentActor() actor: Actor,
    @Query({ schema: auditQuery }) { cursor, limit }: z.output<typeof auditQuery>,
  ): Promise<z.output<typeof auditPage>> {
    return this.audit.of(actor, limit, cursor);
  }

  @Delete('account')
  @ApiOperation({
    summary: 'Delete your account',
    description:
      'Needs the password, or a log-in within the last ten minutes. Ends every session, and the connections at the providers.',
  })
  @Answers(204, undefined, 'It is gone')
  @Fails(
    'validation_failed',
    'credentials_invalid',
    'too_many_attempts',
    'reauthentication_required',
    'temporarily_unavailable',
  )
  async leave(
    @CurrentActor() actor: Actor,
    @Body({ schema: farewell }) body: z.output<typeof farewell>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    await this.departures.leave(actor, body?.password, request.ip);
    // The cookie may be of a later log-in.
    if (this.sessions.sessionOf(this.cookie.read(request)[0]) === actor.sessionId) this.cookie.clear(reply);
  }
}
