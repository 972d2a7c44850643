import { Module, type DynamicModule } from '@nestjs/common';
import type { Config } from '../config.js';
import { MetricsController } from './metrics.controller.js';
import { Metrics } from './metrics.js';
import { MetricsServer } from './metrics-server.js';

/** Numbers for whoever runs us: at `/metrics`, or on a port of their own where `METRICS_PORT` is set. */
@Module({})
export class MetricsModule {
  static from({ metricsPort }: Config): DynamicModule {
    const own = metricsPort !== undefined;
    return {
      module: MetricsModule,
      global: true,
      controllers: own ? [] : [MetricsController],
      providers: own ? [Metrics, MetricsServer] : [Metrics],
      exports: [Metrics],
    };
  }
}
