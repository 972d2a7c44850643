import { DataSource } from 'typeorm';
import { PROVIDERS } from './src/auth/social/providers.js';
import { loadConfig } from './src/config/config.js';
import { databaseOptions } from './src/database/options.js';
import { openTarget } from './src/database/target.js';

/** For TypeORM's CLI alone: `npm run typeorm -- migration:show`. */
export default new DataSource(databaseOptions(await openTarget(loadConfig(PROVIDERS))));
