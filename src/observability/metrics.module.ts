import { Module } from '@nestjs/common';
import { MetricsServer } from './metrics-server.js';
import { Metrics } from './metrics.js';

/** Prometheus metrics, and the server for them on `METRICS_PORT`. */
@Module({ providers: [Metrics, MetricsServer], exports: [Metrics] })
export class MetricsModule {}
