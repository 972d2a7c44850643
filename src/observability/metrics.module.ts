import { Module, type DynamicModule } from '@nestjs/common';
import type { Config } from '../config/config.js';
import { MetricsController } from './metrics.controller.js';
import { Metrics } from './metrics.js';
import { MetricsServer } from './metrics-server.js';

/**
 * Prometheus metrics on `METRICS_PORT`. Without that port they are at `/metrics` of the API, except in production, where everyone
 * could read them.
 */
@Module({})
export class MetricsModule {
  static forRoot({ metricsPort, production }: Config): DynamicModule {
    const own = metricsPort !== undefined;
    return {
      module: MetricsModule,
      global: true,
      controllers: own || production ? [] : [MetricsController],
      providers: own ? [Metrics, MetricsServer] : [Metrics],
      exports: [Metrics],
    };
  }
}
