import { Module, type DynamicModule, type Type } from '@nestjs/common';
import type { PostgresDataSourceOptions } from 'typeorm/driver/postgres/PostgresDataSourceOptions.js';
import { AccessModule } from './access/access.module.js';
import { AuthModule } from './auth/auth.module.js';
import { KeysModule } from './auth/keys/keys.module.js';
import { BoardsModule } from './boards/boards.module.js';
import { Config } from './config.js';
import { DatabaseModule } from './database/database.module.js';
import { HealthController } from './health/health.controller.js';
import { Readiness } from './health/readiness.js';
import { MetricsModule } from './metrics/metrics.module.js';
import { RateLimitsModule } from './rate-limits/rate-limits.module.js';
import { RedisModule } from './redis/redis.module.js';
import { Secrets } from './secrets.js';
import { UsersModule } from './users/users.module.js';

/** The settings and what follows from them, for everyone. */
@Module({})
class SettingsModule {
  static from(config: Config): DynamicModule {
    return {
      module: SettingsModule,
      global: true,
      providers: [{ provide: Config, useValue: config }, Secrets],
      exports: [Config, Secrets],
    };
  }
}

/** Which service is which module. */
@Module({})
export class AppModule {
  /** `more` are modules beside ours: a test's, a benchmark's. Your own stand in the list below. */
  static from(
    config: Config,
    database: PostgresDataSourceOptions,
    more: readonly Type[] = [],
  ): DynamicModule {
    return {
      module: AppModule,
      imports: [
        SettingsModule.from(config),
        DatabaseModule.connect(database),
        RedisModule.connect(config),
        MetricsModule.from(config),
        RateLimitsModule,
        AccessModule.trusting(KeysModule),
        AuthModule.from(config),
        UsersModule,
        BoardsModule,
        ...more,
      ],
      controllers: [HealthController],
      providers: [Readiness],
    };
  }
}
