import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Public } from '../access/access.decorators.js';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '../openapi/decorators.js';
import { Metrics } from './metrics.js';

/** `/metrics` on the port of the API. */
@ApiTags('Health')
@Controller('metrics')
@Public()
export class MetricsController {
  constructor(private readonly metrics: Metrics) {}

  @Get()
  @ApiOperation({ summary: 'Read what this process counts' })
  @ApiProduces('text/plain')
  @ApiOkResponse({ description: 'The text format of Prometheus', schema: { type: 'string' } })
  async read(@Res() reply: FastifyReply): Promise<void> {
    const { contentType, text } = await this.metrics.expose();
    await reply.header('cache-control', 'no-store').type(contentType).send(text);
  }
}
