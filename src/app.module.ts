import { Module, type DynamicModule, type Type } from '@nestjs/common';
import type { PostgresDataSourceOptions } from 'typeorm/driver/postgres/PostgresDataSourceOptions.js';
import { AccessModule } from './access/access.module.js';
import { AuthModule } from './auth/auth.module.js';
import { KeysModule } from './auth/keys/keys.module.js';
import { RevocationModule } from './auth/sessions/revocation.module.js';
import { BoardsModule } from './boards/boards.module.js';
import type { Config } from './config/config.js';
import { ConfigModule } from './config/config.module.js';
import { DatabaseModule } from './database/database.module.js';
import { HealthModule } from './observability/health.module.js';
import { UsersModule } from './users/users.module.js';

/** Root module: the services, and the modules that they share. */
@Module({})
export class AppModule {
  /** `more` are additional modules of a test or a benchmark. A new service module belongs in the list below. */
  static forRoot(
    config: Config,
    database: PostgresDataSourceOptions,
    more: readonly Type[] = [],
  ): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.forRoot(config),
        DatabaseModule.forRoot(database),
        AccessModule.forRoot(KeysModule, RevocationModule),
        HealthModule.forRoot(config),
        AuthModule,
        UsersModule,
        BoardsModule,
        ...more,
      ],
    };
  }
}
