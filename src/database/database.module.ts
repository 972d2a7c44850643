import { Module, type DynamicModule } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { PostgresDataSourceOptions } from 'typeorm/driver/postgres/PostgresDataSourceOptions.js';
import { openDatabase } from './open-database.js';

/** The one `DataSource` of the process, connected and with its schema up to date before anything else starts. */
@Module({})
export class DatabaseModule {
  static forRoot(options: PostgresDataSourceOptions): DynamicModule {
    return {
      module: DatabaseModule,
      imports: [
        TypeOrmModule.forRootAsync({
          // TypeOrmModule would repeat each failure, and log it with its stack.
          useFactory: () => ({ ...options, autoLoadEntities: true, toRetry: () => false }),
          dataSourceFactory: ({ entities } = options) => openDatabase({ ...options, entities }),
        }),
      ],
    };
  }
}
