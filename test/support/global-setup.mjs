import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { TEMPLATE_DIR } from './template.mjs';

/** Runs initdb (seconds, and most of a gigabyte) once for all suites; each then starts on a copy of the result. */
export default async function setUp() {
  if (existsSync(TEMPLATE_DIR)) return;
  const dir = mkdtempSync(join(tmpdir(), 'daemun-template-'));
  const database = await PGlite.create(join(dir, 'postgres'));
  await database.close();
  try {
    renameSync(dir, TEMPLATE_DIR);
  } catch {
    // Another run was faster; its copy is as good.
    rmSync(dir, { recursive: true, force: true });
  }
}
