import { Module, type DynamicModule } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { PostgresDataSourceOptions } from 'typeorm/driver/postgres/PostgresDataSourceOptions.js';
import { WriteTransactions } from './write-transactions.js';
import { openDatabase } from './open-database.js';

/** `DataSource` of the process: connected and migrated before other modules start. */
@Module({})
export class DatabaseModule {
  static forRoot(options: PostgresDataSourceOptions): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      imports: [
        TypeOrmModule.forRootAsync({
          // openDatabase retries. TypeOrmModule would retry again, and log each failure with its stack.
          useFactory: () => ({ ...options, autoLoadEntities: true, toRetry: () => false }),
          dataSourceFactory: ({ entities } = options) => openDatabase({ ...options, entities }),
        }),
      ],
      providers: [WriteTransactions],
      exports: [WriteTransactions],
    };
  }
}
