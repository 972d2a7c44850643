import { Module } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Redis } from './redis.js';

/** The connection to Redis; not configured without `REDIS_URL`. */
@Module({
  providers: [
    { provide: Redis, inject: [Config], useFactory: ({ redisUrls }: Config) => new Redis(redisUrls) },
  ],
  exports: [Redis],
})
export class RedisModule {}
