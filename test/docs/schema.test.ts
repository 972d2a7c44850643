import { readFileSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { schemaDdl } from '../../scripts/schema-ddl.mjs';
import { EmbeddedPostgres } from '../../src/database/embedded-postgres.js';
import { databaseOptions } from '../../src/database/options.js';
import { makeDataDir, makeMigratedDataDir } from '../support/fixtures/data-dir.js';

const FILE = 'docs/schema.sql';
const file = readFileSync(FILE, 'utf8');

/** Opens the embedded database in a folder, which is removed with it. */
async function open(dataDir: string) {
  const embedded = await EmbeddedPostgres.open(dataDir);
  const database = await new DataSource(databaseOptions({ embedded })).initialize();
  return {
    database,
    ddl: () => schemaDdl((sql, values) => database.query(sql, [...values])),
    close: async () => {
      await database.destroy();
      await embedded.close();
      rmSync(dataDir, { recursive: true });
    },
  };
}

let migrated: Awaited<ReturnType<typeof open>>;
let empty: Awaited<ReturnType<typeof open>>;
beforeAll(async () => {
  migrated = await open(await makeMigratedDataDir());
  empty = await open(makeDataDir());
});
afterAll(() => Promise.all([migrated.close(), empty.close()]));

it(`${FILE} is the schema that the migrations create; if this fails, run: npm run schema`, async () => {
  expect(await migrated.ddl()).toBe(file);
});

it(`${FILE} creates the same schema in an empty database`, async () => {
  await empty.database.query(file);
  expect(await empty.ddl()).toBe(file);
});
