import { Injectable } from '@nestjs/common';
import { Denylist } from '../../access/denylist.js';
import { RevocationCheck } from '../../access/revocation-check.js';
import { Metrics } from '../../observability/metrics.js';
import { Redis } from '../../redis/redis.js';

/** Metrics of revocations, and of Redis, which distributes them. */
@Injectable()
export class RevocationMetrics {
  constructor(metrics: Metrics, denylist: Denylist, check: RevocationCheck, redis: Redis) {
    metrics.show(
      'daemun_revocation_staleness_seconds',
      'Time since the last successful poll of revocations by other processes',
      () => check.ageMs / 1_000,
    );
    metrics.show(
      'daemun_revocations_held',
      'Entries of the denylist: ended sessions and changed accounts',
      () => denylist.size,
    );
    if (redis.isConfigured)
      metrics.show('daemun_redis_up', 'Whether Redis is in use', () => Number(redis.up));
  }
}
