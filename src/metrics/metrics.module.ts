import { Module, type DynamicModule } from '@nestjs/common';
import type { Config } from '../config.js';
import { MetricsController } from './metrics.controller.js';
import { Metrics } from './metrics.js';
import { MetricsServer } from './metrics-server.js';

/** Numbers for whoever runs us: on the port `METRICS_PORT`; without it at `/metrics`, but never in production, where that would be public. */
@Module({})
export class MetricsModule {
  static from({ metricsPort, production }: Config): DynamicModule {
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
