import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PGlite } from '@electric-sql/pglite';
import { TEMPLATE_DIR } from './fixtures/template.mjs';

export default async function setUp() {
  // A folder that all suites of this run share; workers inherit the environment.
  process.env.TEST_RUN_DIR = mkdtempSync(join(tmpdir(), 'daemun-test-run-'));
  await Promise.all([promisify(execFile)(process.execPath, ['scripts/build-web.mjs']), makeTemplate()]);
}

/** Runs initdb (seconds, and most of a gigabyte) once for all suites; each then starts on a copy of the result. */
async function makeTemplate() {
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
