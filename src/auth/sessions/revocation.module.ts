import { Module } from '@nestjs/common';
import { Denylist } from '../../access/denylist.js';
import { RevocationCheck } from '../../access/revocation-check.js';
import { RevocationFeed } from '../../access/revocation-feed.js';
import { MetricsModule } from '../../observability/metrics.module.js';
import { RedisModule } from '../../redis/redis.module.js';
import { CacheInvalidation } from './cache-invalidation.js';
import { PostgresRevocationFeed } from './postgres-revocation-feed.js';
import { RevocationMetrics } from './revocation-metrics.js';
import { SessionRows } from './session-rows.js';

/** Rows of sessions, and the revocation of access tokens and cached sessions when rows change. */
@Module({
  imports: [MetricsModule, RedisModule],
  providers: [
    SessionRows,
    Denylist,
    RevocationCheck,
    CacheInvalidation,
    PostgresRevocationFeed,
    { provide: RevocationFeed, useExisting: PostgresRevocationFeed },
    RevocationMetrics,
  ],
  exports: [SessionRows, Denylist, RevocationCheck, RevocationFeed, CacheInvalidation],
})
export class RevocationModule {}
