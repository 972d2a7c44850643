import { basename } from 'node:path';
import { DataSource } from 'typeorm';
import type { PostgresDataSourceOptions } from 'typeorm/driver/postgres/PostgresDataSourceOptions.js';
import { Account } from './src/auth/account/account.entity.js';
import { Identity } from './src/auth/social/identity.entity.js';
import { SigningKey } from './src/auth/keys/signing-key.entity.js';
import { OneTimeToken } from './src/auth/local/one-time-token.entity.js';
import { Session } from './src/auth/sessions/session.entity.js';
import { PROVIDERS } from './src/auth/social/providers.js';
import { Board } from './src/boards/board.entity.js';
import { Comment } from './src/boards/comment.entity.js';
import { Post } from './src/boards/post.entity.js';
import { loadConfig } from './src/config/config.js';
import { migrations } from './src/database/migrations/index.js';
import { MIGRATIONS_SCHEMA } from './src/database/schema.js';
import { connectionTo, openTarget, type DatabaseTarget } from './src/database/target.js';
import { Profile } from './src/users/profile.entity.js';

/** What TypeORM maps, by the service that it belongs to. */
const ENTITIES = {
  auth: [Account, Identity, Session, SigningKey, OneTimeToken],
  users: [Profile],
  boards: [Board, Post, Comment],
};

/** TypeORM's options, for the application and for the CLI alike. */
export function databaseOptions(target: DatabaseTarget): PostgresDataSourceOptions {
  return {
    type: 'postgres',
    ...connectionTo(target),
    applicationName: 'daemun',
    entities: Object.values(ENTITIES).flat(),
    migrations,
    schema: MIGRATIONS_SCHEMA,
    migrationsTransactionMode: 'each',
    synchronize: false,
  };
}

/** What `npm run typeorm -- …` works on. In the application, which makes its own, there is none. */
export default basename(process.argv[1] ?? '').startsWith('cli')
  ? new DataSource(databaseOptions(await openTarget(loadConfig(PROVIDERS))))
  : undefined;
