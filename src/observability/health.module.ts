import { Module, type DynamicModule } from '@nestjs/common';
import type { Config } from '../config/config.js';
import { RedisModule } from '../redis/redis.module.js';
import { HealthController } from './health.controller.js';
import { MetricsController } from './metrics.controller.js';
import { MetricsModule } from './metrics.module.js';
import { Readiness } from './readiness.js';

/** Liveness and readiness probes. Outside production, without `METRICS_PORT`, `/metrics` on the same port. */
@Module({})
export class HealthModule {
  static forRoot({ metricsPort, production }: Config): DynamicModule {
    const servesMetrics = metricsPort === undefined && !production;
    return {
      module: HealthModule,
      imports: [MetricsModule, RedisModule],
      controllers: servesMetrics ? [HealthController, MetricsController] : [HealthController],
      providers: [Readiness],
    };
  }
}
