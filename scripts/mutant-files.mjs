// The mutants of test/mutants, and the rows of docs/security.md that they belong to.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { namedTests } from './named-tests.mjs';

const FOLDER = 'test/mutants';

/** Every patch with its row, in the order of the rows. */
export function patches() {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.patch'))
    .map((name) => ({ row: name.replace(/(-\d+)?\.patch$/, ''), file: join(FOLDER, name) }))
    .toSorted((a, b) => a.file.localeCompare(b.file, 'en', { numeric: true }));
}

/** The rows that cite tests: id, and each test's file and title. */
export function rowsWithTests(page) {
  return [...page.matchAll(/^\| (V\d+\.\d+\.\d+) .*$/gm)]
    .map(([line, id]) => ({ id, tests: namedTests(line) }))
    .filter(({ tests }) => tests.length > 0);
}
