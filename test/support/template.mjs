import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const { version } = JSON.parse(readFileSync('node_modules/@electric-sql/pglite/package.json', 'utf8'));

/** An empty data directory, made once for this version of PGlite. */
export const TEMPLATE_DIR = join(tmpdir(), `daemun-empty-database-${version}`);
