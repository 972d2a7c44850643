import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PGlite } from '@electric-sql/pglite';
import { TEMPLATE_DIR } from './fixtures/template.mjs';
import { startSharedPostgres } from './servers/shared-postgres.mjs';

/** The server that suites start as a process. Its folder remains, so that the next run compiles what has changed. */
const SERVER_BUILD = ['--outDir', 'dist/test', '--tsBuildInfoFile', 'dist/test/.tsbuildinfo'];
const run = (...script) => promisify(execFile)(process.execPath, script);

export default async function setUp() {
  // Folder for all suites of a run. Workers inherit the environment.
  process.env.TEST_RUN_DIR = mkdtempSync(join(tmpdir(), 'daemun-test-run-'));
  // The user `postgres` has a folder in it.
  chmodSync(process.env.TEST_RUN_DIR, 0o755);
  const [postgres] = await Promise.all([
    process.env.TEST_DATABASE === 'embedded'
      ? undefined
      : startSharedPostgres(join(process.env.TEST_RUN_DIR, 'postgres')),
    run('scripts/build-web.mjs'),
    run('node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', ...SERVER_BUILD),
    makeTemplate(),
  ]);
  Object.assign(process.env, postgres?.environment);
  globalThis.stopSharedPostgres = postgres?.stop;
}

/** Runs initdb once for all suites, which start on copies of the result. It takes seconds, and almost a gigabyte of memory. */
async function makeTemplate() {
  if (existsSync(TEMPLATE_DIR)) return;
  const dir = mkdtempSync(join(tmpdir(), 'daemun-template-'));
  const database = await PGlite.create(join(dir, 'postgres'));
  await database.close();
  try {
    renameSync(dir, TEMPLATE_DIR);
  } catch {
    // A concurrent run has already created the template.
    rmSync(dir, { recursive: true, force: true });
  }
}
