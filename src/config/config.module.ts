import { Module, type DynamicModule } from '@nestjs/common';
import { Config } from './config.js';

/** Settings. Global, because every module reads some. */
@Module({})
export class ConfigModule {
  static forRoot(config: Config): DynamicModule {
    return {
      module: ConfigModule,
      global: true,
      providers: [{ provide: Config, useValue: config }],
      exports: [Config],
    };
  }
}
