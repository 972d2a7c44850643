import { cpSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { databaseOptions } from '../../ormconfig.js';
import { EmbeddedPostgres } from '../../src/database/embedded-postgres.js';
import { migrate } from '../../src/database/migrate.js';
import { TEMPLATE_DIR } from './template.mjs';

/** A `DATA_DIR` that outlives the app that uses it, with an empty embedded database. The caller removes it. */
export function makeDataDir(): string {
  return copyOf(TEMPLATE_DIR);
}

/** The same with all migrations run: once for all suites of a run, by the first that needs it. */
export async function makeMigratedDataDir(): Promise<string> {
  // Set by the global set-up.
  const template = join(process.env['TEST_RUN_DIR'] ?? '', 'migrated');
  if (!existsSync(template)) await makeTemplate(template);
  return copyOf(template);
}

async function makeTemplate(template: string): Promise<void> {
  const dir = makeDataDir();
  const embedded = await EmbeddedPostgres.open(dir);
  await migrate(databaseOptions({ embedded }));
  await embedded.close();
  try {
    renameSync(dir, template);
  } catch {
    // Another suite was faster; its template is as good.
    rmSync(dir, { recursive: true });
  }
}

function copyOf(template: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'daemun-test-'));
  cpSync(template, dir, { recursive: true });
  return dir;
}
