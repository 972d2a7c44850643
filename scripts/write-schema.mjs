// `npm run schema`: runs the migrations on an empty embedded database and writes docs/schema.sql.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { EmbeddedPostgres } from '../dist/src/database/embedded-postgres.js';
import { migrate } from '../dist/src/database/migrate.js';
import { databaseOptions } from '../dist/src/database/options.js';
import { schemaDdl } from './schema-ddl.mjs';

const dataDir = mkdtempSync(join(tmpdir(), 'daemun-schema-'));
const embedded = await EmbeddedPostgres.open(dataDir);
const dataSource = new DataSource(databaseOptions({ embedded }));
try {
  await migrate(databaseOptions({ embedded }));
  await dataSource.initialize();
  const query = (sql, values) => dataSource.query(sql, values);
  writeFileSync('docs/schema.sql', await schemaDdl(query));
} finally {
  if (dataSource.isInitialized) await dataSource.destroy();
  await embedded.close();
  rmSync(dataDir, { recursive: true });
}
