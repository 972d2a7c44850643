import { Module, type DynamicModule } from '@nestjs/common';
import type { Config } from '../config/config.js';
import { Redis } from './redis.js';

/** Redis for everyone, or for nobody: without `REDIS_URL` there is no {@link Redis} to inject (use `@Optional()`). */
@Module({})
export class RedisModule {
  static forRoot({ redisUrls }: Config): DynamicModule {
    const providers =
      redisUrls.length > 0 ? [{ provide: Redis, useFactory: () => new Redis(redisUrls) }] : [];
    return { module: RedisModule, global: true, providers, exports: providers.map(({ provide }) => provide) };
  }
}
