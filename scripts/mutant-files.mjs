// Mutants in test/mutants, and their rows of docs/security.md.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { namedTests } from './named-tests.mjs';

const FOLDER = 'test/mutants';

/** Returns all patches with their rows, in the order of the rows. */
export function patches() {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.patch'))
    .map((name) => ({ row: name.replace(/(-\d+)?\.patch$/, ''), file: join(FOLDER, name) }))
    .toSorted((a, b) => a.file.localeCompare(b.file, 'en', { numeric: true }));
}

/** Returns the rows that cite tests: the id, and file and title of each test. */
export function rowsWithTests(page) {
  return [...page.matchAll(/^\| (V\d+\.\d+\.\d+) .*$/gm)]
    .map(([line, id]) => ({ id, tests: namedTests(line) }))
    .filter(({ tests }) => tests.length > 0);
}
