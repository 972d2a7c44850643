import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Public } from '../access/access.decorators.js';
import { ApiOperation, ApiTags } from '../openapi/decorators.js';
import { Returns } from '../openapi/responses.js';
import { Redis } from '../redis/redis.js';
import { Readiness } from './readiness.js';

const live = z.object({ status: z.literal('ok') }).meta({ id: 'Live' });
const ready = z
  .object({
    status: z.enum(['ok', 'unavailable']),
    stores: z.record(z.string(), z.enum(['up', 'down'])),
    reasons: z
      .record(z.string(), z.string())
      .optional()
      .meta({
        description: 'Why a store is down: docs/store-failures.md.',
        example: { postgres: 'read_only' },
      }),
  })
  .meta({ id: 'Ready' });

/** Liveness and readiness probes. */
@ApiTags('Health')
@Controller('health')
@Public()
export class HealthController {
  constructor(
    private readonly readiness: Readiness,
    private readonly redis: Redis,
  ) {}

  @Get('live')
  @ApiOperation({ summary: 'Ask whether the process is alive' })
  @Returns(200, live, 'The process answers')
  live(): z.output<typeof live> {
    return { status: 'ok' };
  }

  @Get('ready')
  @ApiOperation({ summary: 'Ask whether it can serve' })
  @Returns(200, ready, 'Login, refresh and writes work')
  @Returns(503, ready, 'The database is unavailable, or takes no writes')
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<z.output<typeof ready>> {
    const reason = await this.readiness.check();
    const postgres = reason === undefined ? 'up' : 'down';
    // Without Redis the process is slower, and stays in service.
    const { isConfigured, up, failure } = this.redis;
    const redis = isConfigured && { redis: up ? ('up' as const) : ('down' as const) };
    const reasons = {
      ...(reason !== undefined && { postgres: reason }),
      ...(failure !== undefined && { redis: failure }),
    };
    void reply.code(reason === undefined ? 200 : 503);
    return {
      status: reason === undefined ? 'ok' : 'unavailable',
      stores: { postgres, ...redis },
      ...(Object.keys(reasons).length > 0 && { reasons }),
    };
  }
}
