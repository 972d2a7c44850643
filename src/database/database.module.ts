import { Module, type DynamicModule } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { migrate } from './migrate.js';

/** The one `DataSource` of the process, connected and with its schema up to date before anything else starts. */
@Module({})
export class DatabaseModule {
  static connect(options: DataSourceOptions): DynamicModule {
    return {
      module: DatabaseModule,
      imports: [
        TypeOrmModule.forRootAsync({
          useFactory: () => ({ ...options, retryAttempts: 5, retryDelay: 1_000 }),
          dataSourceFactory: async () => {
            const dataSource = await new DataSource(options).initialize();
            try {
              await migrate(dataSource);
            } catch (error) {
              await dataSource.destroy();
              throw error;
            }
            return dataSource;
          },
        }),
      ],
    };
  }
}
