import { Module, type DynamicModule } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import type { PostgresDataSourceOptions } from 'typeorm/driver/postgres/PostgresDataSourceOptions.js';
import { migrate } from './migrate.js';

/** The one `DataSource` of the process, connected and with its schema up to date before anything else starts. */
@Module({})
export class DatabaseModule {
  static connect(options: PostgresDataSourceOptions): DynamicModule {
    return {
      module: DatabaseModule,
      imports: [
        TypeOrmModule.forRootAsync({
          useFactory: () => ({ ...options, retryAttempts: 5, retryDelay: 1_000 }),
          dataSourceFactory: async () => {
            await migrate(options);
            return new DataSource(options).initialize();
          },
        }),
      ],
    };
  }
}
