import { createServer } from 'node:http';
import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Config } from '../config/config.js';
import { securityHeaders } from '../http/security-headers.js';
import { Metrics } from './metrics.js';

/** Server of `/metrics` on `METRICS_PORT`, a port that a firewall can close to the public. */
@Injectable()
export class MetricsServer implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(MetricsServer.name);
  private readonly server = createServer((request, response) => {
    for (const [name, value] of Object.entries(securityHeaders(this.config))) response.setHeader(name, value);
    if (request.method !== 'GET' || request.url !== '/metrics') return void response.writeHead(404).end();
    this.metrics.expose().then(
      ({ contentType, text }) => response.writeHead(200, { 'content-type': contentType }).end(text),
      (error: unknown) => {
        this.logger.error({ err: error }, 'the metrics cannot be collected');
        response.writeHead(500).end();
      },
    );
  });

  constructor(
    private readonly config: Config,
    private readonly metrics: Metrics,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { server } = this;
    if (this.config.metricsPort === undefined) return;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(this.config.metricsPort, this.config.host, resolve);
    });
    server
      .removeAllListeners('error')
      .on('error', (error) => this.logger.error({ err: error }, 'the metrics server failed'));
  }

  onApplicationShutdown(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}
