import { Module } from '@nestjs/common';
import { CryptoModule } from '../crypto/crypto.module.js';
import { MetricsModule } from '../observability/metrics.module.js';
import { Outbox } from './outbox.js';

@Module({ imports: [CryptoModule, MetricsModule], providers: [Outbox], exports: [Outbox] })
export class OutboxModule {}
