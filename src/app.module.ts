import { Module, type DynamicModule, type Type } from '@nestjs/common';
import type { PostgresDataSourceOptions } from 'typeorm/driver/postgres/PostgresDataSourceOptions.js';
import { AccessModule } from './access/access.module.js';
import { AuthModule } from './auth/auth.module.js';
import { KeysModule } from './auth/keys/keys.module.js';
import { BoardsModule } from './boards/boards.module.js';
import { Config } from './config/config.js';
import { DatabaseModule } from './database/database.module.js';
import { HealthController } from './observability/health.controller.js';
import { Readiness } from './observability/readiness.js';
import { MetricsModule } from './observability/metrics.module.js';
import { RateLimitsModule } from './rate-limits/rate-limits.module.js';
import { RedisModule } from './redis/redis.module.js';
import { DerivedKeys } from './crypto/derived-keys.js';
import { UsersModule } from './users/users.module.js';

/** The settings and what follows from them, for everyone. */
@Module({})
class SettingsModule {
  static forRoot(config: Config): DynamicModule {
    return {
      module: SettingsModule,
      global: true,
      providers: [{ provide: Config, useValue: config }, DerivedKeys],
      exports: [Config, DerivedKeys],
    };
  }
}

/** Which service is which module. */
@Module({})
export class AppModule {
  /** `more` are modules beside ours: a test's, a benchmark's. Your own stand in the list below. */
  static forRoot(
    config: Config,
    database: PostgresDataSourceOptions,
    more: readonly Type[] = [],
  ): DynamicModule {
    return {
      module: AppModule,
      imports: [
        SettingsModule.forRoot(config),
        DatabaseModule.forRoot(database),
        RedisModule.forRoot(config),
        MetricsModule.forRoot(config),
        RateLimitsModule,
        AccessModule.forRoot(KeysModule),
        AuthModule.forRoot(config),
        UsersModule,
        BoardsModule,
        ...more,
      ],
      controllers: [HealthController],
      providers: [Readiness],
    };
  }
}
