import { Module, type DynamicModule } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { PostgresDataSourceOptions } from 'typeorm/driver/postgres/PostgresDataSourceOptions.js';
import { WriteTransactions } from './write-transactions.js';
import { openDatabase } from './open-database.js';

/** The `DataSource` of the process: connected, and migrated, before other modules start. */
@Module({})
export class DatabaseModule {
  static forRoot(options: PostgresDataSourceOptions): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      imports: [
        TypeOrmModule.forRootAsync({
          // TypeOrmModule would repeat each failure, and log it with its stack.
          useFactory: () => ({ ...options, autoLoadEntities: true, toRetry: () => false }),
          dataSourceFactory: ({ entities } = options) => openDatabase({ ...options, entities }),
        }),
      ],
      providers: [WriteTransactions],
      exports: [WriteTransactions],
    };
  }
}
